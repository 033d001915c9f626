export { tunSetGroup, tunSetInterface, tunSetOwner, tunSetPersist } from "urunc:sys";
