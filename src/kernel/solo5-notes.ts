/** Solo5's two notes: what the unikernel is linked for, and which devices it declares (solo5, docs/architecture.md). */
import type { Bytes } from "./bytes.ts";
import { SOLO5_TARGETS, type Solo5Device, type Solo5Notes } from "./kernel-file.ts";

/** The manifest is aligned to eight bytes, and the note's header has twenty. */
const PADDING = 4;
const MANIFEST_VERSION = 1;
const ENTRY_LIMIT = 64;
const NAME_SIZE = 68;
const ENTRY_SIZE = 104;
const BLOCK = 1;
const NET = 2;
/** The first entry, which is no device. */
const RESERVED = 0x40000000;

export function readAbi(
  bytes: Bytes,
  at: number,
  size: number,
): Pick<Solo5Notes, "target" | "targetNumber" | "abi"> | undefined {
  const targetNumber = bytes.u32(at);
  const abi = bytes.u32(at + 4);
  if (size < 8 || targetNumber === undefined || abi === undefined) return undefined;
  const target = SOLO5_TARGETS[targetNumber - 1];
  return { ...(target === undefined ? {} : { target }), targetNumber, abi };
}

/** Undefined for a manifest of another version or with an entry that makes no sense. */
export function readManifest(bytes: Bytes, note: number, size: number): readonly Solo5Device[] | undefined {
  const start = note + PADDING;
  const version = bytes.u32(start);
  const count = bytes.u32(start + 4);
  if (version !== MANIFEST_VERSION || count === undefined || count > ENTRY_LIMIT) return undefined;
  if (PADDING + 8 + count * ENTRY_SIZE > size) return undefined;
  const devices: Solo5Device[] = [];
  for (let index = 0; index < count; index++) {
    const at = start + 8 + index * ENTRY_SIZE;
    const type = bytes.u32(at + NAME_SIZE);
    if (type === RESERVED) continue;
    const name = bytes.text(at, NAME_SIZE);
    const kind = type === BLOCK ? "block" : type === NET ? "net" : undefined;
    if (kind === undefined || !/^[A-Za-z0-9]{1,67}$/.test(name)) return undefined;
    devices.push({ kind, name });
  }
  return devices;
}
