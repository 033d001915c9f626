/** Messages of D-Bus (D-Bus specification, section "Message Protocol"), as far as a client of systemd needs them. */
import { type DbusValue, Writer } from "./value.ts";

/** A method call. */
export interface Call {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly DbusValue[];
}

const LITTLE_ENDIAN = 0x6c;
const BIG_ENDIAN = 0x42;
const VERSION = 1;
const METHOD_CALL = 1;

/** Header fields. */
const PATH = 1;
const INTERFACE = 2;
const MEMBER = 3;
const ERROR_NAME = 4;
const REPLY_SERIAL = 5;
const DESTINATION = 6;
const SENDER = 7;
const SIGNATURE = 8;

export function encodeCall(call: Call, serial: number): Uint8Array {
  const body = new Writer();
  for (const value of call.body) body.value(value);
  const header = new Writer();
  for (const byte of [LITTLE_ENDIAN, METHOD_CALL, 0, VERSION]) header.byte(byte);
  header.u32(body.length);
  header.u32(serial);
  header.array(8, () => {
    const field = (code: number, signature: string, write: () => void) => {
      header.align(8);
      header.byte(code);
      header.signature(signature);
      write();
    };
    field(PATH, "o", () => header.text(call.path));
    field(INTERFACE, "s", () => header.text(call.interface));
    field(MEMBER, "s", () => header.text(call.member));
    field(DESTINATION, "s", () => header.text(call.destination));
    if (call.body.length > 0) {
      field(SIGNATURE, "g", () => header.signature(call.body.map(({ type }) => type).join("")));
    }
  });
  header.align(8);
  const bytes = new Uint8Array(header.length + body.length);
  bytes.set(header.result());
  bytes.set(body.result(), header.length);
  return bytes;
}

/** What comes from the bus. */
export interface Incoming {
  readonly kind: "return" | "error" | "signal" | "call";
  /** Unique name of the connection, which the bus puts there; the bus has its own. */
  readonly sender?: string;
  readonly replySerial?: number;
  readonly member?: string;
  readonly errorName?: string;
  /** The first values of the body as long as they are texts and numbers. */
  readonly body: readonly (string | number)[];
}

const FIXED = 16;
/** Most bytes of a message that is looked at; systemd's have some hundred. */
const LIMIT = 1 << 20;
/** Most bytes of any message. */
const LIMIT_OF_ALL = 1 << 27;

/** The bytes that a message has, and what it says; nothing when it cannot be systemd's: then it is to be skipped. */
export interface Decoded {
  readonly size: number;
  readonly message?: Incoming;
}

/**
 * The first message in the bytes. Everybody on the bus may send us messages: what systemd would not send is no error.
 *
 * @returns undefined while it is not complete; `broken` when it is no message of D-Bus.
 */
export function decodeMessage(bytes: Uint8Array): Decoded | "broken" | undefined {
  if (bytes.length < FIXED) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isLittle = view.getUint8(0) === LITTLE_ENDIAN;
  if (!isLittle && view.getUint8(0) !== BIG_ENDIAN) return "broken";
  const bodySize = view.getUint32(4, isLittle);
  const fieldsEnd = FIXED + view.getUint32(12, isLittle);
  const bodyStart = Math.ceil(fieldsEnd / 8) * 8;
  const size = bodyStart + bodySize;
  if (size > LIMIT_OF_ALL) return "broken";
  const kind = kindOf(view.getUint8(1));
  if (!isLittle || kind === undefined || size > LIMIT) return { size };
  if (bytes.length < size) return undefined;
  const fields = readFields(new Reader(view, FIXED, fieldsEnd));
  if (fields === undefined) return { size };
  const { signature, ...known } = fields;
  const body = readBody(new Reader(view, bodyStart, size), signature ?? "");
  return { message: { kind, ...known, body }, size };
}

function kindOf(number: number): Incoming["kind"] | undefined {
  return ([undefined, "call", "return", "error", "signal"] as const)[number];
}

interface Fields {
  sender?: string;
  replySerial?: number;
  member?: string;
  errorName?: string;
  signature?: string;
}

function readFields(reader: Reader): Fields | undefined {
  const fields: Fields = {};
  while (!reader.isAtEnd()) {
    reader.align(8);
    const code = reader.byte();
    const value = reader.value(reader.signature());
    if (value === undefined) return undefined;
    if (code === REPLY_SERIAL && typeof value === "number") fields.replySerial = value;
    if (code === SENDER && typeof value === "string") fields.sender = value;
    if (code === MEMBER && typeof value === "string") fields.member = value;
    if (code === ERROR_NAME && typeof value === "string") fields.errorName = value;
    if (code === SIGNATURE && typeof value === "string") fields.signature = value;
  }
  return fields;
}

function readBody(reader: Reader, signature: string): readonly (string | number)[] {
  const values: (string | number)[] = [];
  for (const type of signature) {
    const value = reader.value(type);
    if (value === undefined) break;
    values.push(value);
  }
  return values;
}

/** Reads aligned values; beyond the end everything is undefined. */
class Reader {
  private readonly view: DataView;
  private at: number;
  private readonly end: number;

  constructor(view: DataView, at: number, end: number) {
    this.view = view;
    this.at = at;
    this.end = Math.min(end, view.byteLength);
  }

  isAtEnd(): boolean {
    return this.at >= this.end;
  }

  align(size: number): void {
    this.at = Math.ceil(this.at / size) * size;
  }

  byte(): number | undefined {
    return this.at + 1 <= this.end ? this.view.getUint8(this.at++) : undefined;
  }

  private u32(): number | undefined {
    this.align(4);
    if (this.at + 4 > this.end) return undefined;
    this.at += 4;
    return this.view.getUint32(this.at - 4, true);
  }

  signature(): string | undefined {
    return this.characters(this.byte());
  }

  private characters(length: number | undefined): string | undefined {
    if (length === undefined || this.at + length + 1 > this.end) return undefined;
    let text = "";
    for (let index = 0; index < length; index++) text += String.fromCharCode(this.view.getUint8(this.at + index));
    this.at += length + 1;
    return text;
  }

  value(type: string | undefined): string | number | undefined {
    switch (type) {
      case "y":
        return this.byte();
      case "u":
      case "b":
        return this.u32();
      case "s":
      case "o":
        return this.characters(this.u32());
      case "g":
        return this.signature();
      case "v":
        return this.value(this.signature());
      default:
        return undefined;
    }
  }
}
