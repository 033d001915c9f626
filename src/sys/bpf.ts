export { bpfAttachCgroupDevice, bpfLoadCgroupDevice } from "urunc:sys";
