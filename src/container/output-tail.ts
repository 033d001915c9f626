import { plainText } from "../plain-text.ts";
import { decodeUtf8 } from "../sys/text.ts";

/** Bytes that are kept of what a guest wrote last: a kernel's report of its panic is about two thousand. */
const KEPT = 8192;
/** Of these so many lines are shown, each of so many characters at most. */
const LINES = 12;
const LINE_LENGTH = 160;

/** What was written last, for the error that tells of a guest's end. */
export class OutputTail {
  readonly #bytes = new Uint8Array(KEPT);
  /** All that came so far. */
  #count = 0;

  add(buffer: ArrayBuffer, length: number): void {
    for (const byte of new Uint8Array(buffer, 0, length)) {
      this.#bytes[this.#count % KEPT] = byte;
      this.#count += 1;
    }
  }

  /**
   * The last lines as one text that steers no terminal. If a kernel told of its panic before them, that line is the first.
   */
  lines(): string {
    const lines = this.#text()
      .split(/[\r\n]+/)
      .map((line) => plainText(line.trim()).slice(0, LINE_LENGTH))
      .filter((line) => line !== "");
    const from = Math.max(0, lines.length - LINES);
    const panic = lines.findIndex((line) => line.includes("Kernel panic"));
    const first = panic >= 0 && panic < from ? lines.slice(panic, panic + 1) : [];
    return [...first, ...lines.slice(from)].join(" | ");
  }

  #text(): string {
    const begin = Math.max(0, this.#count - KEPT);
    const ordered = Uint8Array.from(
      { length: this.#count - begin },
      (_, index) => this.#bytes[(begin + index) % KEPT] ?? 0,
    );
    return decodeUtf8(ordered.buffer, 0, ordered.length);
  }
}
