/** What a guest on a device without Ethernet frames is told in place of what the device has not. */
import type { GuestAddress, GuestNetwork } from "../guests/network.ts";
import { ipv4Number, ipv4Text } from "../netlink/address.ts";

/**
 * Address of the tap: a link-local one that no network has so far. It is the gateway where the subnet has no room for
 * one, as CNIs with /32 addresses have theirs.
 */
export const LAYER3_GATEWAY = "169.254.117.1";

/**
 * The guest's network: a made Ethernet address, and a gateway, since a guest on Ethernet needs one. Whatever gateway it
 * asks for answers, so that the first or second address of the subnet will do. IPv6 is not routed.
 *
 * @param hash Eight hexadecimal digits of the container's own.
 */
export function layer3Network(network: GuestNetwork, ipv4: GuestAddress, hash: string): GuestNetwork {
  const { ipv6: _, ...rest } = network;
  const digits = hash.match(/../g) ?? [];
  return { ...rest, mac: ["02", "75", ...digits].join(":"), ipv4: { ...ipv4, gateway: gatewayOf(ipv4) } };
}

function gatewayOf({ address, prefix, gateway }: GuestAddress): string {
  if (gateway !== undefined) return gateway;
  if (prefix > 30) return LAYER3_GATEWAY;
  const size = 2 ** (32 - prefix);
  const own = ipv4Number(address) ?? 0;
  const first = own - (own % size) + 1;
  return ipv4Text(first === own ? first + 1 : first);
}
