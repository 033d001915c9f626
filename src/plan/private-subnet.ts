/** Subnets for guests that have one of their own behind the container's address. */
import { ipv4Number, ipv4Text, isSameSubnet } from "../netlink/address.ts";
import type { Address } from "../netlink/route.ts";

/** Bits of a private subnet. */
export const PRIVATE_PREFIX = 24;
/** What Knative's queue-proxy is told: the guest of the first subnet. */
export const KNATIVE_GUEST = "172.16.1.2";

/** The tap's address, and the guest's. */
export interface PrivateSubnet {
  readonly gateway: string;
  readonly guest: string;
}

/** 172.16.0.0/16, then 198.18.0.0/16 (RFC 2544: no network has it), the subnets of .1 to .254. */
const POOLS = ["172.16.0.0", "198.18.0.0"] as const;

/** The first one that no address of the namespace lies in; undefined where all are taken. */
export function privateSubnet(addresses: readonly Address[]): PrivateSubnet | undefined {
  const ipv4 = addresses.filter(({ family }) => family === "ipv4");
  for (const pool of POOLS) {
    for (let third = 1; third < 255; third++) {
      const base = (ipv4Number(pool) ?? 0) + third * 256;
      const gateway = ipv4Text(base + 1);
      const isTaken = ipv4.some(({ address, prefix }) =>
        isSameSubnet(address, gateway, Math.min(prefix, PRIVATE_PREFIX)),
      );
      if (!isTaken) return { gateway, guest: ipv4Text(base + 2) };
    }
  }
  return undefined;
}
