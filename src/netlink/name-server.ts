/** Addresses of name servers as guests can use them. */
import { ipv4Number, isIpv6 } from "./address.ts";

/** Why a guest cannot be told this name server; undefined when it can. */
export function whyNotServer(server: string): string | undefined {
  if (ipv4Number(server) === undefined && !isIpv6(server)) {
    return server.includes("%") ? "the guest's interface has another name" : "it is no address";
  }
  return isLoopback(server) ? "its loopback address is the container's own, which the guest cannot reach" : undefined;
}

/** Whether an address is the machine's own, of either family. */
export function isLoopback(server: string): boolean {
  return server.startsWith("127.") || /^(0*:)*:?0*1$/.test(server);
}
