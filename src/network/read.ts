import {
  addressesRequest,
  decodeAddress,
  decodeDefaultRoute,
  decodeLink,
  type Link,
  linksRequest,
  routesRequest,
} from "../netlink/route.ts";
import { LOOPBACK, type NamespaceNetwork } from "../plan/choose-network.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";

export function readLinks(socket: NetlinkSocket): readonly Link[] {
  return socket.list(linksRequest(), decodeLink);
}

/**
 * Links, addresses and default routes of the namespace, in three questions to the kernel; in one where nobody has set
 * anything up, since every start asks.
 */
export function readNamespaceNetwork(socket: NetlinkSocket): NamespaceNetwork {
  const links = readLinks(socket);
  if (links.every(({ name }) => name === LOOPBACK)) return { links, addresses: [], routes: [] };
  return {
    links,
    addresses: socket.list(addressesRequest(), decodeAddress).filter((address) => address !== undefined),
    routes: socket.list(routesRequest(), decodeDefaultRoute).filter((route) => route !== undefined),
  };
}
