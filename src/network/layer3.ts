/**
 * A guest in the place of its container on a device without Ethernet frames: what comes in for the container's address
 * is sent to the guest before the namespace looks at it, what the guest sends is routed by the namespace, which answers
 * all its questions for Ethernet addresses. The container's address stays on the device.
 */
import { ipv4Bytes } from "../netlink/address.ts";
import {
  addAddressRequest,
  addNeighbourRequest,
  IPV4_CONF,
  ipv4SettingsRequest,
  linkUpRequest,
  promptProxyRequest,
} from "../netlink/interface.ts";
import { forwardTo, isTo } from "../netlink/nft-expression.ts";
import type { Link } from "../netlink/route.ts";
import { LAYER3_GATEWAY } from "../plan/layer3-guest.ts";
import { addTable, ownTables, removeTables } from "./firewall.ts";
import { entryChain, forwardChain } from "./guest-firewall.ts";
import { tableName } from "./marks.ts";
import { carryOut, type NetlinkSocket } from "./netlink-socket.ts";
import type { Tap } from "./redirect.ts";

/** Before all that others do at the entry of the device. */
const PRIORITY = -500;

/** Settings of the tap. All of them go with it. */
const SETTINGS = [
  [IPV4_CONF.forwarding, 1],
  // Whatever the guest asks for is reached through here.
  [IPV4_CONF.proxyArp, 1],
  // But its own address: a guest that asks whether somebody has it must hear nothing.
  [IPV4_CONF.arpIgnore, 1],
  // Its address is the namespace's too.
  [IPV4_CONF.acceptLocal, 1],
  // Loose: the way back to that address does not lead over the tap.
  [IPV4_CONF.rpFilter, 2],
] as const;

/** @throws RuntimeFailure `network` with the step and the kernel's words. */
export function connectByRoutes(
  socket: NetlinkSocket,
  link: Link,
  tap: Tap,
  hash: string,
  guest: { readonly address: string; readonly mac: string },
): void {
  const address = ipv4Bytes(guest.address);
  removeTables(ownTables(), hash);
  const boundaries = { tap: tap.index, link: link.index, guest: address };
  // What comes in does not take the way of forwarded packets.
  addTable({ family: "ip", name: tableName(hash, false) }, [
    entryChain(boundaries),
    forwardChain(boundaries, undefined, false),
  ]);
  carryOut(socket, [
    { name: `Set up ${tap.name}`, request: ipv4SettingsRequest(tap.index, SETTINGS) },
    { name: `Set up ${tap.name}`, request: promptProxyRequest(tap.index) },
    // A device without any address is one that the kernel takes nothing from where rp_filter is on.
    {
      name: `Add ${LAYER3_GATEWAY} to ${tap.name}`,
      request: addAddressRequest(tap.index, LAYER3_GATEWAY, 32, "link"),
    },
    { name: `Take ${tap.name} up with MTU ${link.mtu}`, request: linkUpRequest(tap.index, link.mtu) },
    {
      name: `Add neighbour ${guest.address} to ${tap.name}`,
      request: addNeighbourRequest(tap.index, guest.address, guest.mac),
    },
  ]);
  const hook = { type: "filter", number: 0, priority: PRIORITY, device: link.name } as const;
  addTable({ family: "netdev", name: tableName(hash, false) }, [
    { name: "in", hook, rules: [[...isTo(address), ...forwardTo(address, tap.index)]] },
  ]);
}
