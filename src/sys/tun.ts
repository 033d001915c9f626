export { tunSetGroup, tunSetInterface, tunSetOwner } from "urunc:sys";
