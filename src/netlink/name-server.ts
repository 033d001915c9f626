/** Addresses of name servers as guests can use them. */

/** Why a guest cannot be told this name server; undefined when it can. */
export function whyNotServer(server: string): string | undefined {
  const isIpv4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(server) && server.split(".").every((part) => Number(part) < 256);
  if (!isIpv4 && !/^(?=.*:)[0-9a-fA-F:.]{2,45}$/.test(server)) {
    return server.includes("%") ? "the guest's interface has another name" : "it is no address";
  }
  return isLoopback(server) ? "its loopback address is the container's own, which the guest cannot reach" : undefined;
}

/** Whether an address is the machine's own, of either family. */
export function isLoopback(server: string): boolean {
  return server.startsWith("127.") || /^(0*:)*:?0*1$/.test(server);
}
