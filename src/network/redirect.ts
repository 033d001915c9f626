import type { Link } from "../netlink/route.ts";
import { decodeLink, deleteLinkRequest, linkByNameRequest, linkUpRequest } from "../netlink/route.ts";
import {
  addIngressRequest,
  addRedirectRequest,
  decodeFilter,
  decodeIngress,
  deleteFilterRequest,
  deleteIngressRequest,
  type Filter,
  filtersRequest,
  type IngressSide,
  ingressRequest,
} from "../netlink/traffic.ts";
import { type Refusal, type RouteSocket, refused } from "./route-socket.ts";

/** Begins the cookie of each filter of ours; the container's own part follows. */
const COOKIE = "urunc-";

/** Who takes the frames that come in on a link. */
export type Ingress =
  /** Nobody: a discipline is to be made. */
  | { readonly state: "absent" }
  /** A discipline that stays, or one with nothing but what a dead container of ours had left there. */
  | { readonly state: "shared" | "inherited"; readonly side: IngressSide }
  /** A unikernel that runs. */
  | { readonly state: "taken" };

/** What the kernel says where there is no discipline. */
const ABSENT = ["ENOENT", "EINVAL"];

/** Eight hexadecimal digits that stand for a text (FNV-1a, 32 bits). */
export function shortHash(text: string): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ (text.charCodeAt(index) & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (text.charCodeAt(index) >> 8), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

/** What a container's tap is called, and what marks its filters: at most 15 and 16 bytes. */
export function tapNames(hash: string): { readonly tap: string; readonly cookie: string } {
  return { tap: `u${hash}`, cookie: `${COOKIE}${hash}` };
}

/** Looks at a link's ingress side, and takes away what containers of ours left there when their tap vanished. */
export function clearIngress(socket: RouteSocket, link: Link, links: readonly Link[]): Ingress {
  const [side] = socket.list(ingressRequest(link.index), decodeIngress, ABSENT);
  if (side === undefined) return { state: "absent" };
  const filters = socket.list(filtersRequest(side), decodeFilter).filter(({ matches }) => matches);
  const isAlive = ({ target }: Filter) => links.some(({ index, carrier }) => index === target && carrier);
  const own = filters.filter(({ cookie }) => cookie.startsWith(COOKIE));
  if (own.some(isAlive)) return { state: "taken" };
  for (const filter of own) {
    const [refusal] = socket.change([deleteFilterRequest(side, filter)]);
    if (refusal !== undefined && refusal.code !== "ENOENT") throw refused(`Remove filter of ${link.name}`, refusal);
    const { tap } = tapNames(filter.cookie.slice(COOKIE.length));
    if (links.some(({ name }) => name === tap)) removeTap(socket, tap);
  }
  return { state: own.length > 0 && own.length === filters.length ? "inherited" : "shared", side };
}

/**
 * Takes the tap up with the link's MTU and sends what comes in on either out of the other.
 *
 * @throws RuntimeFailure `network` with the step and the kernel's words.
 */
export function joinLinks(socket: RouteSocket, link: Link, tapName: string, ingress: Ingress, cookie: string): void {
  const [tap] = socket.list(linkByNameRequest(tapName), decodeLink);
  if (tap === undefined) throw refused(`Find ${tapName}`, { code: "ENODEV", text: "it has gone" });
  const outer = "side" in ingress ? ingress.side : newSide(link.index);
  const steps = [
    { name: `Take ${tapName} up with MTU ${link.mtu}`, request: linkUpRequest(tap.index, link.mtu) },
    ...(ingress.state === "absent"
      ? [{ name: `Add ingress to ${link.name}`, request: addIngressRequest(link.index) }]
      : []),
    { name: `Add ingress to ${tapName}`, request: addIngressRequest(tap.index) },
    {
      name: `Redirect ${link.name} to ${tapName}`,
      request: addRedirectRequest(outer, tap.index, cookie),
    },
    {
      name: `Redirect ${tapName} to ${link.name}`,
      request: addRedirectRequest(newSide(tap.index), link.index, cookie),
    },
  ];
  const outcomes = socket.change(steps.map(({ request }) => request));
  outcomes.forEach((refusal: Refusal | undefined, index) => {
    if (refusal !== undefined) throw refused(steps[index]?.name ?? "Join links", refusal);
  });
}

function newSide(link: number): IngressSide {
  return { link, kind: "ingress" };
}

/** Removes a tap that outlives its monitor; one that has gone is no error. */
export function removeTap(socket: RouteSocket, name: string): void {
  const [refusal] = socket.change([deleteLinkRequest(name)]);
  if (refusal !== undefined && refusal.code !== "ENODEV") throw refused(`Remove tap ${name}`, refusal);
}

/**
 * Takes a container's filters off a link, and the discipline too where it was made for them and nobody else uses it.
 * What is gone already is no error.
 */
export function unjoin(socket: RouteSocket, link: number, cookie: string, madeIngress: boolean): void {
  const [side] = socket.list(ingressRequest(link), decodeIngress, [...ABSENT, "ENODEV"]);
  if (side === undefined) return;
  const filters = socket.list(filtersRequest(side), decodeFilter).filter(({ matches }) => matches);
  const own = filters.filter((filter) => filter.cookie === cookie);
  const requests =
    madeIngress && own.length === filters.length
      ? // Without a filter the container was ended half-way: the discipline is the one it had just made.
        [deleteIngressRequest(link)]
      : own.map((filter) => deleteFilterRequest(side, filter));
  for (const refusal of socket.change(requests)) {
    if (refusal !== undefined && refusal.code !== "ENOENT" && refusal.code !== "EINVAL") {
      throw refused("Remove redirection", refusal);
    }
  }
}
