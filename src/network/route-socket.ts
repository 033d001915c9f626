import { RuntimeFailure } from "../failure.ts";
import { joined } from "../netlink/attribute.ts";
import type { Decoded } from "../netlink/decoded.ts";
import { errnoName } from "../netlink/errno.ts";
import { decodeReplies, encodeRequest, NLM_F_ACK, type Reply, type Request } from "../netlink/message.ts";
import { NETLINK_EXT_ACK, NETLINK_ROUTE } from "../sys/constants.ts";
import { close } from "../sys/file.ts";
import { netlinkSocket, recvNetlink, sendNetlink, setNetlinkOption } from "../sys/netlink.ts";

/** Bytes of one packet: the kernel fills at most 32 KiB of a dump into one. */
const PACKET = 32768;

/** What the kernel says against a request. */
export interface Refusal {
  /** Symbolic, for example `EEXIST`. */
  readonly code: string;
  /** The kernel's own words, or the code alone. */
  readonly text: string;
}

/** Makes a value of one message. */
type Decode<T> = (type: number, payload: Uint8Array) => Decoded<T>;

/** rtnetlink of the network namespace in which it was opened. */
export interface RouteSocket {
  /** Everything a request lists; nothing when the kernel refuses it with one of the codes of `absent`. */
  list<T>(request: Request, decode: Decode<T>, absent?: readonly string[]): readonly T[];
  /** Sends requests that ask for acknowledgement as one packet; what the kernel says to each, undefined for success. */
  change(requests: readonly Request[]): readonly (Refusal | undefined)[];
  close(): void;
}

export function openRouteSocket(): RouteSocket {
  const fd = netlinkSocket(NETLINK_ROUTE);
  setNetlinkOption(fd, NETLINK_EXT_ACK, true);
  const buffer = new ArrayBuffer(PACKET);
  let sequence = 0;

  const sendAll = (requests: readonly Request[]): number => {
    const first = sequence + 1;
    const bytes = joined(requests.map((request) => encodeRequest(request, ++sequence)));
    sendNetlink(fd, plainBuffer(bytes), 0, bytes.length);
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
      const first = sendAll(quiet);
      const outcomes = new Map<number, Refusal | undefined>();
      while (!outcomes.has(first + last)) {
        for (const reply of receive(fd, buffer)) {
          if (reply.sequence < first || reply.kind === "data") continue;
          outcomes.set(reply.sequence, reply.kind === "error" ? refusalOf(reply.errno, reply.text) : undefined);
        }
      }
      return requests.map((_, index) => outcomes.get(first + index));
    },
    close: () => close(fd),
  };
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

function plainBuffer(bytes: Uint8Array): ArrayBuffer {
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return buffer;
}
