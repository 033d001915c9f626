export { interfaceIndex, netlinkSocket, recvNetlink, sendNetlink, setNetlinkOption } from "urunc:sys";
