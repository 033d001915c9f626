/** One address of the container's interface and the way out from there. */
export interface GuestAddress {
  readonly address: string;
  readonly prefix: number;
  /** May lie outside of the address's subnet. Absent: the default route has none, or leads over another interface. */
  readonly gateway?: string;
}

/** The identity on the network that a guest takes over from its container. */
export interface GuestNetwork {
  /** Name of the container's interface. */
  readonly interface: string;
  /** Six bytes in lower-case hexadecimal, with colons. */
  readonly mac: string;
  readonly mtu: number;
  readonly ipv4?: GuestAddress;
  readonly ipv6?: GuestAddress;
  /** Addresses of name servers that can be reached over the interface, either family. */
  readonly dns: readonly string[];
  /** Domains that names without a dot are looked up in. */
  readonly search: readonly string[];
  /** `options` of resolv.conf(5), a word each; absent: none. */
  readonly resolverOptions?: readonly string[];
  readonly hostname?: string;
}

/**
 * The ids of so many nics on monitors where they are free to choose.
 *
 * @param most nics the guest can use.
 */
export function nicIds(networks: readonly GuestNetwork[], most: number): readonly string[] {
  return networks.slice(0, most).map((_, index) => `net${index}`);
}

/** Name servers as guests that know IPv4 only take them. */
export function ipv4Servers(network: GuestNetwork, most: number): readonly string[] {
  return network.dns.filter((server) => !server.includes(":")).slice(0, most);
}

/** What is lost where a guest's command line has words for IPv4 only. */
export function lostAddress(guest: string, network: GuestNetwork | undefined): readonly string[] {
  if (network === undefined || network.ipv4 !== undefined) return [];
  const has = network.ipv6 === undefined ? "no address" : "an IPv6 address only";
  return [`${guest}: ${network.interface} has ${has}, the guest is told IPv4 addresses only: it has to find its own`];
}
