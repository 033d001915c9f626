/** Which interfaces of a network namespace become the guest's, in which order, and with what. */
import type { GuestAddress, GuestNetwork } from "../guests/network.ts";
import type { Family } from "../netlink/address.ts";
import type { Address, DefaultRoute, Link } from "../netlink/route.ts";

/** What the kernel says of a network namespace. */
export interface NamespaceNetwork {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly DefaultRoute[];
}

/** What a guest is told beside its addresses. */
export type Told = Pick<GuestNetwork, "dns" | "search" | "resolverOptions" | "hostname">;

/** An interface and what a guest in its place has. */
export interface Candidate {
  readonly link: Link;
  /** `mac` is empty for a device without Ethernet addresses. */
  readonly network: GuestNetwork;
}

export type NetworkChoice =
  | { readonly candidates: readonly [Candidate, ...Candidate[]] }
  /** Why the guest gets no nic. */
  | { readonly reason: string };

/** More nics than any pod has; bounds what is asked of the kernel and of the monitor. */
const MOST = 8;

/**
 * The interface of the default route, whatever its name: IPv4's, else IPv6's, with the least metric. Then, in the
 * kernel's order, all others that carry Ethernet frames, have an address and are connected.
 *
 * @param isOwnTap Whether a link of this name is a tap of ours, which is no interface of the container's.
 */
export function chooseNetworks(
  namespace: NamespaceNetwork,
  told: Told,
  isOwnTap: (name: string) => boolean,
): NetworkChoice {
  const { links, addresses } = namespace;
  const route = defaultRoute(namespace, "ipv4") ?? defaultRoute(namespace, "ipv6");
  const first = links.find(({ index }) => index === route?.link);
  const others = links.filter(
    (link) =>
      link !== first &&
      link.mac !== undefined &&
      link.name !== LOOPBACK &&
      link.carrier &&
      !isOwnTap(link.name) &&
      addresses.some((address) => address.link === link.index && address.rank !== "local"),
  );
  const chosen = first === undefined ? others : [first, ...others];
  const [candidate, ...more] = chosen.slice(0, MOST).map((link) => candidateOf(namespace, link, told));
  return candidate === undefined ? { reason: noInterface(namespace) } : { candidates: [candidate, ...more] };
}

export const LOOPBACK = "lo";

function candidateOf(namespace: NamespaceNetwork, link: Link, told: Told): Candidate {
  const ipv4 = guestAddress(namespace, link, "ipv4", []);
  const ipv6 = guestAddress(namespace, link, "ipv6", ipv4 === undefined ? ["local"] : []);
  const network: GuestNetwork = {
    interface: link.name,
    mac: link.mac ?? "",
    mtu: link.mtu,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...told,
  };
  return { link, network };
}

function noInterface({ links }: NamespaceNetwork): string {
  const others = links.filter(({ name }) => name !== LOOPBACK).map(({ name }) => name);
  if (others.length === 0) return "the network namespace has no interface but the loopback device";
  const names = others.slice(0, 8).join(", ");
  return `the network namespace has neither a default route nor an interface with an address (interfaces: ${names})`;
}

function defaultRoute({ routes }: NamespaceNetwork, family: Family, link?: number): DefaultRoute | undefined {
  const fitting = routes.filter((route) => route.family === family && (link === undefined || route.link === link));
  return fitting.reduce<DefaultRoute | undefined>(
    (best, route) => (best === undefined || route.metric < best.metric ? route : best),
    undefined,
  );
}

/** The first lasting one, else the first that will pass, else one of the further ranks. */
function guestAddress(
  namespace: NamespaceNetwork,
  link: Link,
  family: Family,
  further: readonly Address["rank"][],
): GuestAddress | undefined {
  const own = namespace.addresses.filter((address) => address.link === link.index && address.family === family);
  const ranks: readonly Address["rank"][] = ["lasting", "passing", ...further];
  const found = ranks.map((rank) => own.find((address) => address.rank === rank)).find((one) => one !== undefined);
  if (found === undefined) return undefined;
  const gateway = defaultRoute(namespace, family, link.index)?.gateway;
  return { address: found.address, prefix: found.prefix, ...(gateway === undefined ? {} : { gateway }) };
}
