export { netlinkSocket, recvNetlink, sendNetlink, setNetlinkOption } from "urunc:sys";
