export { decodeUtf8, encodeUtf8 } from "urunc:sys";
