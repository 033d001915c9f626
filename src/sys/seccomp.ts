export { seccompCompile, seccompLoad } from "urunc:sys";
