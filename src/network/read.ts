import {
  addressesRequest,
  decodeAddress,
  decodeDefaultRoute,
  decodeLink,
  linksRequest,
  routesRequest,
} from "../netlink/route.ts";
import type { NamespaceNetwork } from "../plan/choose-network.ts";
import type { NetlinkSocket } from "./netlink-socket.ts";

/** Links, addresses and default routes of the namespace, in three questions to the kernel. */
export function readNamespaceNetwork(socket: NetlinkSocket): NamespaceNetwork {
  return {
    links: socket.list(linksRequest(), decodeLink),
    addresses: socket.list(addressesRequest(), decodeAddress).filter((address) => address !== undefined),
    routes: socket.list(routesRequest(), decodeDefaultRoute).filter((route) => route !== undefined),
  };
}
