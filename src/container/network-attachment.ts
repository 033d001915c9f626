import type { Link } from "../netlink/route.ts";
import { ownTables, removeTables } from "../network/firewall.ts";
import { clearIngress, type Ingress } from "../network/ingress.ts";
import { connectByRoutes } from "../network/layer3.ts";
import { parseTableName, shortHash, tapName } from "../network/marks.ts";
import type { NetlinkSocket } from "../network/netlink-socket.ts";
import { connectPrivately, isForwardingOurs, type PrivateNetwork } from "../network/private.ts";
import { joinLinks, madeIngress, type Tap } from "../network/redirect.ts";
import { removeLeftOverTap } from "../network/tap.ts";
import type { Candidate, NamespaceNetwork } from "../plan/choose-network.ts";
import { layer3Network } from "../plan/layer3-guest.ts";
import type { NetworkSettings } from "../plan/network-settings.ts";
import { PRIVATE_PREFIX, privateSubnet } from "../plan/private-subnet.ts";
import type { NicRecord } from "./network-record.ts";

/** An interface, what the guest has of it, and how it gets there. */
export type Attachment = Candidate & { readonly hash: string } & (
    | { readonly way: "joined"; readonly ingress: Exclude<Ingress, { readonly state: "taken" }> }
    | { readonly way: "private"; readonly network: Candidate["network"]; readonly behind: PrivateNetwork }
    | { readonly way: "routed"; readonly address: string }
  );

export interface Surroundings {
  /** The container's directory: no other has it. */
  readonly directory: string;
  readonly settings: NetworkSettings;
  readonly facts: NamespaceNetwork;
  readonly socket: NetlinkSocket;
}

/**
 * How a guest gets at an interface. What dead containers of ours left there is taken away.
 *
 * @param isFirst It is the interface of the default route.
 * @returns text: why it does not.
 */
export function attachmentOf(around: Surroundings, candidate: Candidate, isFirst: boolean): Attachment | string {
  const { directory, settings, facts, socket } = around;
  const { link } = candidate;
  const hash = shortHash(isFirst ? directory : `${directory} ${link.name}`);
  const owner = ownerOf(around, candidate, hash);
  // Left over by a container that had the same place.
  const leftOver = facts.links.find(({ name }) => name === tapName(hash));
  if (leftOver !== undefined) removeLeftOverTap(socket, leftOver);
  if (isFirst && settings.mode === "static") return privately(around, candidate, hash, owner);
  if (owner === "layer3" || (owner.state === "taken" && !isFirst)) {
    return `${link.name} belongs to another unikernel in this namespace`;
  }
  if (owner.state === "taken") return privately(around, candidate, hash, owner);
  if (link.mac !== undefined) return { ...candidate, hash, way: "joined", ingress: owner };
  const { ipv4 } = candidate.network;
  if (ipv4 === undefined) return `${link.name} carries no Ethernet frames and has no IPv4 address`;
  return {
    ...candidate,
    network: layer3Network(candidate.network, ipv4, hash),
    hash,
    way: "routed",
    address: ipv4.address,
  };
}

/** Who takes what comes in on the interface. */
function ownerOf({ socket, facts }: Surroundings, { link }: Candidate, hash: string): Ingress | "layer3" {
  if (link.mac !== undefined) return clearIngress(socket, link);
  const tables = ownTables().filter(({ family }) => family === "netdev");
  const hashes = tables.map(({ name }) => parseTableName(name)?.hash ?? "").filter((other) => other !== hash);
  const living = hashes.filter((other) => isAlive(facts.links, other));
  for (const other of hashes) if (!living.includes(other)) removeTables(tables, other);
  return living.length > 0 ? "layer3" : { state: "absent" };
}

function isAlive(links: readonly Link[], hash: string): boolean {
  return links.some(({ name, carrier }) => name === tapName(hash) && carrier);
}

function privately(
  { socket, settings, facts }: Surroundings,
  candidate: Candidate,
  hash: string,
  owner: Ingress | "layer3",
): Attachment | string {
  const { link, network } = candidate;
  if (owner === "layer3") return `${link.name} belongs to another unikernel in this namespace`;
  if (network.ipv4 === undefined) return `${link.name} has no IPv4 address that the guest could stand behind`;
  const subnet = privateSubnet(facts.addresses);
  if (subnet === undefined) return "no private subnet is free in this namespace";
  const { ipv6: _, ...rest } = network;
  return {
    link,
    network: {
      ...rest,
      mac: network.mac === "" ? layer3Network(network, network.ipv4, hash).mac : network.mac,
      ipv4: { address: subnet.guest, prefix: PRIVATE_PREFIX, gateway: subnet.gateway },
    },
    hash,
    way: "private",
    behind: {
      link,
      hash,
      subnet,
      ports: settings.ports,
      ...(owner.state === "taken" ? { owner } : {}),
      madeForwarding: isForwardingOurs(socket, link),
    },
  };
}

/** What is to be undone. */
export function recordOf({ link, hash, ...attachment }: Attachment, isHanded: boolean): NicRecord {
  const nic = { link: link.index, hash, isHanded };
  switch (attachment.way) {
    case "joined":
      return { ...nic, madeIngress: madeIngress(attachment.ingress) };
    case "private": {
      const { owner, madeForwarding } = attachment.behind;
      return { ...nic, madeForwarding, ...(owner === undefined ? {} : { madeIngress: owner.madeByUs }) };
    }
    case "routed":
      return { ...nic, madeForwarding: false };
  }
}

/** Connects the tap that was made. @throws RuntimeFailure `network`. */
export function connect(socket: NetlinkSocket, attachment: Attachment, tap: Tap): void {
  const { link, hash, network } = attachment;
  switch (attachment.way) {
    case "joined":
      joinLinks(socket, link, tap, hash, attachment.ingress);
      break;
    case "private":
      connectPrivately(socket, tap, attachment.behind);
      break;
    case "routed":
      connectByRoutes(socket, link, tap, hash, { address: attachment.address, mac: network.mac });
      break;
  }
}

/** Whether the interface, or the unikernel that has it, has gone since it was looked at. */
export function hasGone(socket: NetlinkSocket, attachment: Attachment): boolean {
  const { link } = attachment;
  const owner = attachment.way === "private" ? attachment.behind.owner?.tap : undefined;
  return [link, owner].some((one) => one !== undefined && socket.findLink(one.name) !== one.index);
}

/** For the log: what the guest has. */
export function describe(attachment: Attachment): string {
  const { network } = attachment;
  const texts = [network.ipv4, network.ipv6].flatMap((entry) =>
    entry === undefined
      ? []
      : [`${entry.address}/${entry.prefix}${entry.gateway === undefined ? "" : ` gateway ${entry.gateway}`}`],
  );
  const list = [...texts, network.mac, `MTU ${network.mtu}`].join(", ");
  switch (attachment.way) {
    case "joined":
      return `the network of ${network.interface}: ${list}`;
    case "routed":
      return `the address of ${network.interface}, which carries no Ethernet frames, by routes: ${list}`;
    case "private": {
      const { owner, ports } = attachment.behind;
      const why = owner === undefined ? "" : ", which another unikernel has,";
      const open =
        ports.length === 0 ? "" : ` with port ${ports.map((one) => `${one.port}/${one.protocol}`).join(", ")}`;
      return `a private subnet behind ${network.interface}${why}${open}: ${list}`;
    }
  }
}
