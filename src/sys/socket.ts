export {
  accept,
  bindUnix,
  connectUnix,
  listen,
  peerCredentials,
  recvFds,
  sendFds,
  socketpair,
  unixSocket,
} from "urunc:sys";
