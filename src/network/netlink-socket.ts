import { RuntimeFailure } from "../failure.ts";
import type { Decoded } from "../netlink/decoded.ts";
import { errnoName } from "../netlink/errno.ts";
import { decodeReplies, encodeRequests, NLM_F_ACK, type Reply, type Request } from "../netlink/message.ts";
import { BEGIN, END } from "../netlink/nftables.ts";
import { NETLINK_EXT_ACK, NETLINK_NETFILTER, NETLINK_ROUTE } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import {
  interfaceIndex,
  netlinkSocket,
  networkCookie,
  recvNetlink,
  sendNetlink,
  setNetlinkOption,
} from "../sys/netlink.ts";

/** Bytes of one packet: the kernel fills as much of a dump into one as is asked for (netlink(7), NLMSG_GOODSIZE). */
const PACKET = 8192;

/** What the kernel says against a request. */
export interface Refusal {
  /** Symbolic, for example `EEXIST`. */
  readonly code: string;
  /** The kernel's own words, or the code alone. */
  readonly text: string;
}

/** Makes a value of one message. */
type Decode<T> = (type: number, payload: Uint8Array) => Decoded<T>;

/** A socket of the network namespace in which it was opened. */
export interface NetlinkSocket {
  /** Everything a request lists; nothing when the kernel refuses it with one of the codes of `absent`. */
  list<T>(request: Request, decode: Decode<T>, absent?: readonly string[]): readonly T[];
  /** Sends requests that ask for acknowledgement as one packet; what the kernel says to each, undefined for success. */
  change(requests: readonly Request[]): readonly (Refusal | undefined)[];
  /** Index of an interface. @throws RuntimeFailure `network` where it has gone. */
  indexOf(name: string): number;
  /** The same; undefined where there is no interface of that name. */
  findLink(name: string): number | undefined;
  /**
   * By which the kernel tells the namespace from all others until it ends itself, as the number of its inode does not: that
   * is given again. undefined before Linux 5.14.
   */
  namespaceCookie(): string | undefined;
  close(): void;
}

/** @param protocol NETLINK_ROUTE or NETLINK_NETFILTER. */
export function openNetlinkSocket(protocol = NETLINK_ROUTE): NetlinkSocket {
  const fd = netlinkSocket(protocol);
  setNetlinkOption(fd, NETLINK_EXT_ACK, true);
  const buffer = new ArrayBuffer(PACKET);
  let sequence = 0;

  const sendAll = (requests: readonly Request[]): number => {
    const first = sequence + 1;
    const packet = encodeRequests(requests, first);
    sendNetlink(fd, packet, 0, packet.byteLength);
    sequence += requests.length;
    return first;
  };

  return {
    list: <T>(request: Request, decode: Decode<T>, absent: readonly string[] = []) => {
      const own = sendAll([request]);
      const values: T[] = [];
      for (;;) {
        for (const reply of receive(fd, buffer)) {
          if (reply.sequence !== own) continue;
          if (reply.kind === "done") return values;
          if (reply.kind === "error") {
            const refusal = refusalOf(reply.errno, reply.text);
            if (absent.includes(refusal.code)) return values;
            throw refused("Read network", refusal);
          }
          values.push(understood(decode(reply.type, reply.payload)));
        }
      }
    },
    change: (requests) => {
      if (requests.length === 0) return [];
      // The kernel works through a packet in order and answers each failure: only the last has to be acknowledged.
      const last = requests.length - 1;
      const quiet = requests.map((request, index) => (index < last ? unacknowledged(request) : request));
      // Of nftables the packet is one transaction, and what is said against its beginning is said against all of it.
      const isTransaction = protocol === NETLINK_NETFILTER;
      const beginning = sendAll(isTransaction ? [BEGIN, ...quiet, END] : quiet);
      const first = isTransaction ? beginning + 1 : beginning;
      const outcomes = new Map<number, Refusal | undefined>();
      const whole = () => (isTransaction ? outcomes.get(beginning) : undefined);
      while (!outcomes.has(first + last) && whole() === undefined) {
        for (const reply of receive(fd, buffer)) {
          if (reply.sequence < beginning || reply.kind === "data") continue;
          outcomes.set(reply.sequence, reply.kind === "error" ? refusalOf(reply.errno, reply.text) : undefined);
        }
      }
      return requests.map((_, index) => whole() ?? outcomes.get(first + index));
    },
    indexOf: (name) => {
      try {
        return interfaceIndex(fd, name);
      } catch (error) {
        throw new RuntimeFailure("network", `Find ${name}: ${messageOf(error)}`, { kind: "system", cause: error });
      }
    },
    findLink: (name) => {
      try {
        return interfaceIndex(fd, name);
      } catch (error) {
        if (isSysError(error, "ENODEV")) return undefined;
        throw error;
      }
    },
    namespaceCookie: () => {
      try {
        return networkCookie(fd);
      } catch (error) {
        if (isSysError(error, "ENOPROTOOPT")) return undefined;
        throw error;
      }
    },
    close: () => close(fd),
  };
}

/** One change and what it is called when it fails. */
export interface Step {
  readonly name: string;
  readonly request: Request;
}

/** Makes changes as one packet. @throws RuntimeFailure `network` of the first that failed; those after it were tried. */
export function carryOut(socket: NetlinkSocket, steps: readonly Step[]): void {
  const outcomes = socket.change(steps.map(({ request }) => request));
  outcomes.forEach((refusal: Refusal | undefined, index) => {
    if (refusal !== undefined) throw refused(steps[index]?.name ?? "Change network", refusal);
  });
}

function unacknowledged(request: Request): Request {
  return { ...request, flags: request.flags & ~NLM_F_ACK };
}

export function refused(step: string, refusal: Refusal): RuntimeFailure {
  return new RuntimeFailure("network", `${step}: ${refusal.text}`, { kind: "system" });
}

function refusalOf(errno: number, text: string): Refusal {
  const code = errnoName(errno);
  return { code, text: text === "" ? code : `${text} (${code})` };
}

/** One packet of the kernel's; what others send is dropped. */
function receive(fd: number, buffer: ArrayBuffer): readonly Reply[] {
  const [length, port] = recvNetlink(fd, buffer, 0, PACKET);
  if (port !== 0) return [];
  if (length > PACKET) throw unreadable(`a packet of ${length} bytes`);
  return understood(decodeReplies(new Uint8Array(buffer, 0, length)));
}

function understood<T>(result: Decoded<T>): T {
  if (result.ok) return result.value;
  throw unreadable(result.reason);
}

function unreadable(reason: string): RuntimeFailure {
  return new RuntimeFailure("network", `Read network: the kernel's answer cannot be understood: ${reason}`, {
    kind: "internal",
  });
}
