/**
 * What a guest may send into its namespace, and what is forwarded from and to its tap. All forwarding there is because of us
 * passes here; what the namespace forwarded before does not.
 */
import {
  accept,
  belongsToConnection,
  comesInOn,
  drop,
  goesOutOf,
  goesOutOfNone,
  goesOutOfOther,
  isFromOther,
  isIcmpRedirect,
  isToLoopback,
  isToPort,
} from "../netlink/nft-expression.ts";
import type { GuestPort } from "../plan/network-settings.ts";
import type { Chain } from "./firewall.ts";

/** Before connections are tracked (raw of nft(8)): what is not the guest's own never looks as if it were. */
const ENTRY = { type: "filter", number: 0, priority: -300 } as const;
const FORWARD = { type: "filter", number: 2, priority: 0 } as const;

/** Group (`ip link set LINK group`) of every tap that gets forwarded packets: "urun" in ASCII. */
export const TAP_GROUP = 0x7572756e;

export interface Boundaries {
  /** Indices of the links. */
  readonly tap: number;
  readonly link: number;
  /** The guest's address. */
  readonly guest: Uint8Array;
}

/** What comes out of the tap: of the guest's own address only, and nothing that speaks to the namespace as to itself. */
export function entryChain({ tap, guest }: Boundaries): Chain {
  const rules = [isFromOther(guest), isToLoopback(), isIcmpRedirect()];
  return { name: "entry", hook: ENTRY, rules: rules.map((rule) => [...comesInOn(tap), ...rule, ...drop()]) };
}

/**
 * What is forwarded: from the tap by the link, and back what belongs to it.
 *
 * @param ports of the guest, at which it is reached from the link; absent where nothing is forwarded to the tap at all.
 * @param closesLink The link forwards only because of us: what comes in on it goes to guests of ours or nowhere.
 */
export function forwardChain(
  { tap, link }: Boundaries,
  ports: readonly GuestPort[] | undefined,
  closesLink: boolean,
): Chain {
  const toTap = goesOutOf(tap);
  const rules = [
    ...(ports === undefined ? [] : [[...toTap, ...belongsToConnection(), ...accept()]]),
    ...(ports ?? []).map(({ protocol, port }) => [
      ...toTap,
      ...comesInOn(link),
      ...isToPort(protocol, port),
      ...accept(),
    ]),
    [...toTap, ...drop()],
    [...comesInOn(tap), ...goesOutOfOther(link), ...drop()],
    ...(closesLink ? [[...comesInOn(link), ...goesOutOfNone(TAP_GROUP), ...drop()]] : []),
  ];
  return { name: "forward", hook: FORWARD, rules };
}
