import { RuntimeFailure } from "../failure.ts";
import { sendfile, writeAll } from "../sys/file.ts";
import { utf8Size } from "../text-size.ts";
import { cpioPadding } from "./cpio.ts";

/** Text is gathered up to this many characters before it is written. */
const BATCH = 32_768;
/** Bytes that sendfile(2) is asked for at once; it gives less than 2 GiB. */
const CHUNK = 1 << 30;

/** Writes a file from its start to its end within a size; what is gathered is bounded. */
export interface ArchiveWriter {
  text(text: string): void;
  /** The next `size` bytes of `fd`, which must have them. */
  content(fd: number, size: number, name: string): void;
  /** Zeros up to the next multiple of four. */
  align(): void;
  /** Writes what is gathered; answers the bytes of the file. */
  finish(): number;
}

/** @param tooLarge what is thrown when more than `limit` bytes are to be written. */
export function archiveWriter(out: number, limit: number, tooLarge: () => RuntimeFailure): ArchiveWriter {
  let gathered: string[] = [];
  let characters = 0;
  let size = 0;
  const flush = () => {
    writeAll(out, gathered.join(""));
    gathered = [];
    characters = 0;
  };
  const grow = (bytes: number) => {
    size += bytes;
    if (size > limit) throw tooLarge();
  };
  const text = (part: string) => {
    grow(utf8Size(part));
    gathered.push(part);
    characters += part.length;
    if (characters > BATCH) flush();
  };
  return {
    text,
    content: (fd, bytes, name) => {
      grow(bytes);
      flush();
      for (let left = bytes; left > 0; ) {
        const copied = sendfile(out, fd, Math.min(left, CHUNK));
        if (copied === 0) throw new RuntimeFailure("initrd", `${name} became shorter while it was read`);
        left -= copied;
      }
    },
    align: () => text(cpioPadding(size)),
    finish: () => {
      flush();
      return size;
    },
  };
}
