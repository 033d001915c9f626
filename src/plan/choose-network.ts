/** Which interface of a network namespace becomes the guest's, and with what. */
import type { GuestAddress, GuestNetwork } from "../guests/network.ts";
import type { Family } from "../netlink/address.ts";
import type { Address, DefaultRoute, Link } from "../netlink/route.ts";

/** What the kernel says of a network namespace. */
export interface NamespaceNetwork {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly DefaultRoute[];
}

export type NetworkChoice =
  | { readonly link: Link; readonly network: GuestNetwork }
  /** Why the guest gets no nic. */
  | { readonly reason: string };

/** The interface of the default route, whatever its name: IPv4's, else IPv6's, with the least metric. */
export function chooseNetwork(
  namespace: NamespaceNetwork,
  dns: readonly string[],
  hostname: string | undefined,
): NetworkChoice {
  const route = defaultRoute(namespace, "ipv4") ?? defaultRoute(namespace, "ipv6");
  if (route === undefined) return { reason: noRoute(namespace) };
  const link = namespace.links.find(({ index }) => index === route.link);
  if (link === undefined) return { reason: `the default route leads to interface ${route.link}, which has gone` };
  if (link.mac === undefined)
    return { reason: `${link.name} carries packets without Ethernet addresses (layer 3 only)` };
  const ipv4 = guestAddress(namespace, link, "ipv4");
  const ipv6 = guestAddress(namespace, link, "ipv6");
  const network: GuestNetwork = {
    interface: link.name,
    mac: link.mac,
    mtu: link.mtu,
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    dns,
    search: [],
    ...(hostname === undefined ? {} : { hostname }),
  };
  return { link, network };
}

function noRoute({ links }: NamespaceNetwork): string {
  const others = links.filter(({ name }) => name !== "lo").map(({ name }) => name);
  if (others.length === 0) return "the network namespace has no interface but the loopback device";
  return `the network namespace has no default route (interfaces: ${others.slice(0, 8).join(", ")})`;
}

function defaultRoute({ routes }: NamespaceNetwork, family: Family, link?: number): DefaultRoute | undefined {
  const fitting = routes.filter((route) => route.family === family && (link === undefined || route.link === link));
  return fitting.reduce<DefaultRoute | undefined>(
    (best, route) => (best === undefined || route.metric < best.metric ? route : best),
    undefined,
  );
}

function guestAddress(namespace: NamespaceNetwork, link: Link, family: Family): GuestAddress | undefined {
  const found = namespace.addresses.find(
    (address) => address.link === link.index && address.family === family && address.primary,
  );
  if (found === undefined) return undefined;
  const gateway = defaultRoute(namespace, family, link.index)?.gateway;
  return { address: found.address, prefix: found.prefix, ...(gateway === undefined ? {} : { gateway }) };
}
