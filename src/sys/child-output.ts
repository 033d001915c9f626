import { POLLIN } from "./constants.ts";
import type { Deadline } from "./deadline.ts";
import { read } from "./file.ts";
import { poll } from "./process.ts";

const CHUNK = 4096;
/** Bytes that a pipe holds at most (pipe(7)). */
const PIPE = 1 << 16;

/** What a child wrote until it ended. */
export interface ChildOutput {
  /** The first bytes of it. */
  readonly bytes: ArrayBuffer;
  readonly length: number;
  /** There was more than was kept. */
  readonly isCut: boolean;
  /** The time was over before the child had ended. */
  readonly timedOut: boolean;
}

/**
 * Reads what a child writes until it has ended or its time is over. What it leaves running in the background may go on,
 * and holds nobody up.
 *
 * @param fd the end of a pipe.
 * @param limit bytes that are kept; the rest is read and dropped, so that the child is not held up by a full pipe.
 * @param deadline none: as long as the child wants.
 */
export function readChild(fd: number, pidfd: number, limit: number, deadline: Deadline | undefined): ChildOutput {
  let bytes = new ArrayBuffer(Math.min(limit, CHUNK));
  let length = 0;
  let isCut = false;
  let isOpen = true;
  const take = (): number => {
    if (length === bytes.byteLength && length < limit) bytes = grown(bytes, limit);
    const isFull = length === limit;
    const got = isFull
      ? read(fd, new ArrayBuffer(CHUNK), 0, CHUNK)
      : read(fd, bytes, length, bytes.byteLength - length);
    isOpen = got > 0;
    isCut ||= isFull && isOpen;
    if (!isFull) length += got;
    return got;
  };
  const isReadable = () => isOpen && ((poll([fd], 0)[0] ?? 0) & POLLIN) !== 0;
  for (;;) {
    const left = deadline?.left() ?? -1;
    const [ended = 0, output = 0] = poll(isOpen ? [pidfd, fd] : [pidfd], left);
    if ((ended & POLLIN) !== 0) {
      // Its last words; of those in the background who write on no more is read than a pipe holds.
      for (let more = 0; more < PIPE && isReadable(); ) more += take();
      return { bytes, length, isCut, timedOut: false };
    }
    if ((output & POLLIN) !== 0) take();
    else if (output !== 0) isOpen = false;
    if (left === 0) return { bytes, length, isCut, timedOut: true };
  }
}

function grown(bytes: ArrayBuffer, limit: number): ArrayBuffer {
  const larger = new Uint8Array(Math.min(limit, bytes.byteLength * 2));
  larger.set(new Uint8Array(bytes));
  return larger.buffer;
}
