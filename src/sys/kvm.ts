export { kvmApiVersion, kvmCreateVm } from "urunc:sys";
