import {
  addressesRequest,
  decodeAddress,
  decodeDefaultRoute,
  decodeLink,
  linksRequest,
  routesRequest,
} from "../netlink/route.ts";
import { LOOPBACK, type NamespaceNetwork } from "../plan/choose-network.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";

/**
 * Links, addresses and default routes of the namespace, in three questions to the kernel; in one where nobody has set
 * anything up, since every start asks.
 */
export function readNamespaceNetwork(socket: NetlinkSocket): NamespaceNetwork {
  const links = socket.list(linksRequest(), decodeLink);
  if (links.every(({ name }) => name === LOOPBACK)) return { links, addresses: [], routes: [] };
  return {
    links,
    addresses: socket.list(addressesRequest(), decodeAddress).filter((address) => address !== undefined),
    routes: socket.list(routesRequest(), decodeDefaultRoute).filter((route) => route !== undefined),
  };
}
