export { interfaceIndex, netlinkSocket, networkCookie, recvNetlink, sendNetlink, setNetlinkOption } from "urunc:sys";
