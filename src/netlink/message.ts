/**
 * Netlink messages (netlink(7)): a header of 16 bytes with the whole length, type, flags, sequence number and port, then
 * the payload, padded to four bytes. A packet of the kernel holds one or more.
 */
import { decodeAttributes, padded, textOf } from "./attribute.ts";
import { type Decoded, decoded, malformed } from "./decoded.ts";

const HEADER = 16;
/** Longest message we make or take, as a bound on what a wrong length can do. */
const LONGEST = 1 << 20;

const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;

/** Flags of a request. */
export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
/** The answer goes to the one who asks, not to listeners only. */
export const NLM_F_ECHO = 8;
export const NLM_F_DUMP = 0x300;
/** An entry that exists is replaced. */
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** What is asked for; the flags besides NLM_F_REQUEST. */
export interface Request {
  readonly type: number;
  readonly flags: number;
  readonly payload: Uint8Array;
}

interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

/** What a message of the kernel is in the course of a request. */
export type Reply =
  | { readonly kind: "data"; readonly sequence: number; readonly type: number; readonly payload: Uint8Array }
  /** A request for acknowledgement has succeeded, or a dump has come to its end. */
  | { readonly kind: "done"; readonly sequence: number }
  /** Positive errno, and the kernel's own words where it has some. */
  | { readonly kind: "error"; readonly sequence: number; readonly errno: number; readonly text: string };

/** Requests as one packet, the first of them with this sequence number. @throws RangeError for a payload too long. */
export function encodeRequests(requests: readonly Request[], sequence: number): ArrayBuffer {
  const packet = new ArrayBuffer(requests.reduce((size, { payload }) => size + padded(HEADER + payload.length), 0));
  const bytes = new Uint8Array(packet);
  const view = new DataView(packet);
  let offset = 0;
  let number = sequence;
  for (const { type, flags, payload } of requests) {
    const length = HEADER + payload.length;
    if (length > LONGEST) throw new RangeError(`Netlink message of ${length} bytes`);
    view.setUint32(offset, length, true);
    view.setUint16(offset + 4, type, true);
    view.setUint16(offset + 6, flags | NLM_F_REQUEST, true);
    view.setUint32(offset + 8, number++, true);
    bytes.set(payload, offset + HEADER);
    offset += padded(length);
  }
  return packet;
}

/** All messages of one packet. */
export function decodeReplies(packet: Uint8Array): Decoded<readonly Reply[]> {
  const messages = decodeMessages(packet);
  if (!messages.ok) return messages;
  const replies: Reply[] = [];
  for (const message of messages.value) {
    if (message.type === NLMSG_NOOP) continue;
    const reply = decodeReply(message);
    if (!reply.ok) return reply;
    replies.push(reply.value);
  }
  return decoded(replies);
}

function decodeMessages(packet: Uint8Array): Decoded<readonly Message[]> {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const messages: Message[] = [];
  for (let offset = 0; offset < packet.length; ) {
    const left = packet.length - offset;
    if (left < HEADER) return malformed(`${left} bytes left where a message begins`);
    const length = view.getUint32(offset, true);
    if (length < HEADER || length > left) return malformed(`a message of ${length} bytes where ${left} are left`);
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: packet.subarray(offset + HEADER, offset + length),
    });
    offset += padded(length);
  }
  return decoded(messages);
}

function decodeReply({ type, flags, sequence, payload }: Message): Decoded<Reply> {
  if (type !== NLMSG_ERROR && type !== NLMSG_DONE) return decoded({ kind: "data", sequence, type, payload });
  if (payload.length < 4) {
    // NLMSG_DONE carries the result of the dump only since Linux 4.14.
    return type === NLMSG_DONE ? decoded({ kind: "done", sequence }) : malformed("an error message without its number");
  }
  const code = new DataView(payload.buffer, payload.byteOffset).getInt32(0, true);
  if (code >= 0) return decoded({ kind: "done", sequence });
  return decoded({ kind: "error", sequence, errno: -code, text: extendedText(type, flags, payload) });
}

/** The kernel's words come after the message that failed, or its header alone when it was capped. */
function extendedText(type: number, flags: number, payload: Uint8Array): string {
  if ((flags & NLM_F_ACK_TLVS) === 0) return "";
  let offset = 4;
  if (type === NLMSG_ERROR) {
    if (payload.length < offset + HEADER) return "";
    const request = new DataView(payload.buffer, payload.byteOffset).getUint32(offset, true);
    offset += (flags & NLM_F_CAPPED) === 0 ? padded(Math.min(request, LONGEST)) : HEADER;
  }
  const attributes = decodeAttributes(payload.subarray(Math.min(offset, payload.length)));
  return attributes.ok ? (textOf(attributes.value, NLMSGERR_ATTR_MSG) ?? "") : "";
}
