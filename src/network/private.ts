/**
 * A guest with a private subnet of its own behind the container's address: packets are routed by the namespace and
 * translated by nftables. It needs nothing of the interface but that it is there.
 */
import { ipv4Bytes } from "../netlink/address.ts";
import {
  addAddressRequest,
  decodeForwarding,
  groupRequest,
  IPV4_CONF,
  ipv4SettingsRequest,
  linkRequest,
  linkUpRequest,
} from "../netlink/interface.ts";
import { comesInOn, goesOutOf, isFrom, isToPort, masquerade, sendTo } from "../netlink/nft-expression.ts";
import type { Table } from "../netlink/nftables.ts";
import { passKeys, SHARED_PORTS } from "../netlink/pass.ts";
import type { Link } from "../netlink/route.ts";
import { addArpMirrorRequest, addPassRequest } from "../netlink/traffic.ts";
import type { GuestPort } from "../plan/network-settings.ts";
import { PRIVATE_PREFIX, type PrivateSubnet } from "../plan/private-subnet.ts";
import { addTable, ownTables, removeTables } from "./firewall.ts";
import { entryChain, forwardChain, TAP_GROUP } from "./guest-firewall.ts";
import type { Ingress } from "./ingress.ts";
import { cookieOf, markOf, parseTableName, tableName } from "./marks.ts";
import { carryOut, type NetlinkSocket, type Step } from "./netlink-socket.ts";
import type { Tap } from "./redirect.ts";

/** Before and after the routing decision, where others translate addresses too (dstnat, srcnat of nft(8)). */
const PREROUTING = { type: "nat", number: 0, priority: -100 } as const;
const POSTROUTING = { type: "nat", number: 4, priority: 100 } as const;

export interface PrivateNetwork {
  readonly link: Link;
  readonly hash: string;
  readonly subnet: PrivateSubnet;
  readonly ports: readonly GuestPort[];
  /** The unikernel that has the interface, if there is one. */
  readonly owner?: Extract<Ingress, { readonly state: "taken" }>;
  /** Forwarding on the link is ours to take away. */
  readonly madeForwarding: boolean;
}

/** Whether one of us made, or is to make, the link forward what comes in on it. */
export function isForwardingOurs(socket: NetlinkSocket, link: Link): boolean {
  const [isOn] = socket.list(linkRequest(link.index), decodeForwarding, ["ENODEV"]);
  return isOn !== true || ownTables().some(hasForwarding);
}

function hasForwarding({ name }: Table): boolean {
  return parseTableName(name)?.madeForwarding === true;
}

/** @throws RuntimeFailure `network` with the step and the kernel's words. */
export function connectPrivately(socket: NetlinkSocket, tap: Tap, network: PrivateNetwork): void {
  const { link, hash, subnet, ports, owner, madeForwarding } = network;
  // A crashed one of the same place.
  removeTables(ownTables(), hash);
  const guest = ipv4Bytes(subnet.guest);
  const boundaries = { tap: tap.index, link: link.index, guest };
  addTable({ family: "ip", name: tableName(hash, madeForwarding) }, [
    entryChain(boundaries),
    {
      name: "in",
      hook: PREROUTING,
      rules: ports.map(({ protocol, port }) => [
        ...comesInOn(link.index),
        ...isToPort(protocol, port),
        ...sendTo(guest),
      ]),
    },
    forwardChain(boundaries, ports, madeForwarding),
    {
      name: "out",
      hook: POSTROUTING,
      rules: [
        [...goesOutOf(link.index), ...isFrom(guest), ...masquerade(owner === undefined ? undefined : SHARED_PORTS)],
      ],
    },
  ]);
  const forward = [[IPV4_CONF.forwarding, 1]] as const;
  carryOut(socket, [
    { name: `Set group of ${tap.name}`, request: groupRequest(tap.index, TAP_GROUP) },
    {
      name: `Add ${subnet.gateway} to ${tap.name}`,
      request: addAddressRequest(tap.index, subnet.gateway, PRIVATE_PREFIX),
    },
    { name: `Forward from ${tap.name}`, request: ipv4SettingsRequest(tap.index, forward) },
    { name: `Forward from ${link.name}`, request: ipv4SettingsRequest(link.index, forward) },
    ...(owner === undefined ? [] : passSteps(network, owner)),
    { name: `Take ${tap.name} up with MTU ${link.mtu}`, request: linkUpRequest(tap.index, link.mtu) },
  ]);
}

/** What the unikernel that has the interface must leave to the namespace. */
function passSteps(
  { link, hash, ports }: PrivateNetwork,
  { side, tap, madeByUs }: NonNullable<PrivateNetwork["owner"]>,
): readonly Step[] {
  const passes = passKeys(ports).map((keys) => addPassRequest(side, keys, markOf(hash)));
  return [...passes, addArpMirrorRequest(side, tap.index, cookieOf(hash, madeByUs))].map((request) => ({
    name: `Let packets of the guest pass on ${link.name}`,
    request,
  }));
}

/**
 * Takes away the tables, and before them forwarding where it was made for them and nobody else of ours needs it: nothing is
 * forwarded without them.
 */
export function leavePrivate(socket: NetlinkSocket, link: number, hash: string, madeForwarding: boolean): void {
  const tables = ownTables();
  const others = tables.filter(({ name }) => parseTableName(name)?.hash !== hash);
  if (madeForwarding && !others.some(hasForwarding)) stopForwarding(socket, link);
  removeTables(tables, hash);
}

function stopForwarding(socket: NetlinkSocket, link: number): void {
  const request = ipv4SettingsRequest(link, [[IPV4_CONF.forwarding, 0]]);
  const [refusal] = socket.change([request]);
  if (refusal !== undefined && refusal.code !== "ENODEV") carryOut(socket, [{ name: "Stop forwarding", request }]);
}
