/** The ingress side of a link, which several containers of ours may share. */
import { largest } from "../few.ts";
import type { Link } from "../netlink/route.ts";
import { deleteFilterRequest, deleteIngressRequest, filtersRequest, ingressRequest } from "../netlink/traffic.ts";
import { decodeFilter, decodeIngress, type Filter, type IngressSide, priorityOf } from "../netlink/traffic-answer.ts";
import { markOf, parseCookie, tapName } from "./marks.ts";
import { type NetlinkSocket, refused } from "./netlink-socket.ts";
import { readLinks } from "./read.ts";
import type { Tap } from "./redirect.ts";
import { removeTap } from "./tap.ts";

/** Who takes the frames that come in on a link. */
export type Ingress =
  /** Nobody: a discipline is to be made. */
  | { readonly state: "absent" }
  /** There is a discipline, and no unikernel that has the link. */
  | {
      readonly state: "open";
      readonly side: IngressSide;
      readonly madeByUs: boolean;
      /** Priority a redirection has to have so that what others of ours let through comes first; 0: none do. */
      readonly priority: number;
    }
  /** A unikernel that runs. */
  | {
      readonly state: "taken";
      readonly side: IngressSide;
      readonly madeByUs: boolean;
      readonly tap: Tap;
    };

/** What the kernel says where there is no discipline, or no link any more. */
const GONE = ["ENOENT", "EINVAL", "ENODEV"];

function readFilters(socket: NetlinkSocket, link: number): readonly Filter[] {
  return socket.list(filtersRequest(link), decodeFilter, GONE).filter(({ matches }) => matches);
}

/** Looks at a link's ingress side, and takes away what containers of ours left there when their tap vanished. */
export function clearIngress(socket: NetlinkSocket, link: Link): Ingress {
  const [side] = socket.list(ingressRequest(link.index), decodeIngress, GONE);
  if (side === undefined) return { state: "absent" };
  const filters = readFilters(socket, link.index);
  const cookies = filters.map(({ cookie }) => parseCookie(cookie)).filter((cookie) => cookie !== undefined);
  const madeByUs = cookies.some(({ madeIngress }) => madeIngress);
  // Looked at after the filters: the target of a redirection of a tap that is there now was there then.
  const links = cookies.length === 0 ? [] : readLinks(socket);
  const isAlive = (hash: string) => links.some(({ name, carrier }) => name === tapName(hash) && carrier);
  const hashes = [...new Set(cookies.map(({ hash }) => hash))];
  const living = hashes.filter(isAlive);
  const dead = hashes.filter((hash) => !living.includes(hash));
  for (const hash of dead) removeLeftOver(socket, link, filters, hash, links);
  const owner = filters.find(({ cookie, target }) => target > 0 && living.includes(parseCookie(cookie)?.hash ?? ""));
  if (owner !== undefined) {
    const name = tapName(parseCookie(owner.cookie)?.hash ?? "");
    return { state: "taken", side, madeByUs, tap: { name, index: owner.target } };
  }
  const rest = filters.filter((filter) => !dead.some((hash) => isOwn(filter, hash)));
  const passing = rest.filter((filter) => living.some((hash) => isOwn(filter, hash)));
  if (passing.length === 0) return { state: "open", side, madeByUs, priority: 0 };
  // A place of its own, so that it can be taken away alone.
  let priority = largest(passing.map(priorityOf), 0) + 1;
  while (rest.some((filter) => priorityOf(filter) === priority)) priority++;
  return { state: "open", side, madeByUs, priority };
}

function isOwn({ cookie, mark }: Filter, hash: string): boolean {
  return parseCookie(cookie)?.hash === hash || mark === markOf(hash);
}

function removeLeftOver(
  socket: NetlinkSocket,
  link: Link,
  filters: readonly Filter[],
  hash: string,
  links: readonly Link[],
): void {
  const own = filters.filter((filter) => isOwn(filter, hash));
  for (const refusal of socket.change(own.map((filter) => deleteFilterRequest(link.index, filter)))) {
    if (refusal !== undefined && !GONE.includes(refusal.code)) throw refused(`Remove filter of ${link.name}`, refusal);
  }
  if (links.some(({ name }) => name === tapName(hash))) removeTap(socket, tapName(hash));
}

/**
 * Takes a container's filters off a link, and the discipline too where it was made for them and nobody else uses it.
 * What is gone already is no error.
 */
export function leaveIngress(socket: NetlinkSocket, link: number, hash: string, madeIngress: boolean): void {
  const filters = readFilters(socket, link);
  const own = filters.filter((filter) => isOwn(filter, hash));
  const requests =
    madeIngress && own.length === filters.length
      ? // Without a filter the container was ended half-way: the discipline is the one it had just made.
        [deleteIngressRequest(link)]
      : own.map((filter) => deleteFilterRequest(link, filter));
  for (const refusal of socket.change(requests)) {
    if (refusal !== undefined && !GONE.includes(refusal.code)) throw refused("Remove redirection", refusal);
  }
}
