import { O_RDONLY } from "../sys/constants.ts";
import { pread, withFile } from "../sys/file.ts";

/** Enough for the ELF header and the program headers, which follow it in every linker's output. */
const HEAD = 4096;
const MAGIC = 0x7f454c46;
const CLASS_64 = 2;
const PT_INTERP = 3;

/** Whether an executable names an ELF interpreter, so that it needs the host's shared libraries (elf(5)). */
export function isDynamicElf(path: string): boolean {
  const buffer = new ArrayBuffer(HEAD);
  const length = withFile(path, O_RDONLY, (fd) => pread(fd, buffer, 0, HEAD, 0));
  const view = new DataView(buffer, 0, length);
  if (length < 64 || view.getUint32(0) !== MAGIC || view.getUint8(4) !== CLASS_64) return false;
  const offset = Number(view.getBigUint64(32, true));
  const size = view.getUint16(54, true);
  const count = view.getUint16(56, true);
  for (let index = 0; index < count; index++) {
    const at = offset + index * size;
    if (at + 4 > length) return false;
    if (view.getUint32(at, true) === PT_INTERP) return true;
  }
  return false;
}
