/** A guest in the place of its container: frames of the link go to the tap and back. */
import { linkUpRequest, queueLengthRequest } from "../netlink/interface.ts";
import type { Link } from "../netlink/route.ts";
import { addArpMirrorRequest, addIngressRequest, addRedirectRequest } from "../netlink/traffic.ts";
import type { Ingress } from "./ingress.ts";
import { cookieOf } from "./marks.ts";
import { carryOut, type NetlinkSocket, type Step } from "./netlink-socket.ts";

/** A tap that was made. */
export interface Tap {
  readonly name: string;
  /** Index of the link. */
  readonly index: number;
}

/** Whether the discipline of the link is ours to take away. */
export function madeIngress(ingress: Ingress): boolean {
  return ingress.state === "absent" || ingress.madeByUs;
}

/**
 * Takes the tap up with the link's MTU and sends what comes in on either out of the other. The kernel waits for its other
 * processors when a discipline is given to a link that is up, and when a new one gets its first filter before they have
 * been waited for. So the tap comes up last, and both disciplines come before the filters.
 *
 * @throws RuntimeFailure `network` with the step and the kernel's words.
 */
export function joinLinks(
  socket: NetlinkSocket,
  link: Link,
  tap: Tap,
  hash: string,
  ingress: Exclude<Ingress, { readonly state: "taken" }>,
): void {
  const cookie = cookieOf(hash, madeIngress(ingress));
  const outer = ingress.state === "absent" ? newSide(link.index) : ingress.side;
  const priority = ingress.state === "absent" ? 0 : ingress.priority;
  const make: readonly Step[] = [
    { name: `Add ingress to ${link.name}`, request: addIngressRequest(link.index) },
    // As CNI's bridge plugin makes its interfaces: the length is what it was at once, so that nothing is left to undo.
    ...(link.queueless === true
      ? [{ name: `Keep ${link.name} without queue`, request: queueLengthRequest(link.index, 0) }]
      : []),
  ];
  const steps: readonly Step[] = [
    { name: `Add ingress to ${tap.name}`, request: addIngressRequest(tap.index) },
    ...(ingress.state === "absent" ? make : []),
    {
      name: `Redirect ${tap.name} to ${link.name}`,
      request: addRedirectRequest(newSide(tap.index), link.index, cookie),
    },
    {
      name: `Redirect ${link.name} to ${tap.name}`,
      request: addRedirectRequest(outer, tap.index, cookie, priority),
    },
    // Others of ours on the link let ARP replies pass to the namespace: this guest needs its copy of them.
    ...(priority === 0
      ? []
      : [{ name: `Mirror ARP replies to ${tap.name}`, request: addArpMirrorRequest(outer, tap.index, cookie) }]),
    { name: `Take ${tap.name} up with MTU ${link.mtu}`, request: linkUpRequest(tap.index, link.mtu) },
  ];
  carryOut(socket, steps);
}

function newSide(link: number) {
  return { link, kind: "ingress" } as const;
}
