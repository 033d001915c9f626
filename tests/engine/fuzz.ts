/**
 * Random arguments for the bindings that read and write memory of ours, inside the sanitizer build. The bindings that
 * change the process or the machine are left out: what they take is checked before any call by argument-tests.ts.
 */

import * as sys from "urunc:sys";
import { callUntyped } from "./harness.ts";
import { type Random, random } from "./random.ts";

/** Bindings by name; `argument` says what a file may be. */
const TARGETS: readonly (keyof typeof sys)[] = [
  ...(["read", "pread", "write", "writeText", "readText", "encodeUtf8", "decodeUtf8", "lseek", "ftruncate"] as const),
  ...([
    "fstat",
    "fstatat",
    "readlinkat",
    "readdir",
    "poll",
    "sendFds",
    "recvFds",
    "setCloexec",
    "setNonblock",
  ] as const),
  ...(["sendNetlink", "recvNetlink", "getenv", "signalfd", "addSeals", "fileIdentity", "fstatfsType"] as const),
];

const NUMBERS = [0, 1, 7, 8, 9, 15, 16, 4095, 4096, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53];
const TEXTS = [
  "",
  ".",
  "/proc/self/stat",
  "/etc",
  "\0",
  "\ud800",
  "ä",
  "\u{10ffff}",
  "x".repeat(107),
  "x".repeat(70000),
];

function argument(next: Random, files: readonly number[]): unknown {
  const { pick } = next;
  switch (next(10)) {
    case 0:
    case 1:
    case 2:
      return pick(files);
    case 3:
      return new ArrayBuffer(pick([0, 1, 8, 9, 4096, 70000]));
    case 4:
      return pick(TEXTS);
    case 5:
      return Array.from({ length: next(20) }, () => pick([...files, ...NUMBERS]));
    case 6:
      return pick([undefined, null, true, {}, 0.5, Number.NaN, -1, -100, () => 1, new Uint8Array(8)]);
    default:
      return pick(NUMBERS);
  }
}

/** Calls bindings until the time is over; a finding ends the process by the sanitizer. The number of calls. */
export function fuzzEngine(seconds: number, seed: number): number {
  const next = random(seed);
  const until = sys.monotonicMs() + seconds * 1000;
  let calls = 0;
  while (sys.monotonicMs() < until) {
    const [left, right] = sys.socketpair(2);
    const file = sys.memfdCreate("fuzz", 2);
    sys.setNonblock(left, true);
    sys.setNonblock(right, true);
    const files = [
      file,
      left,
      right,
      sys.open("/dev/null", 2),
      sys.open("/proc/self/stat", 0),
      sys.open("/proc/self", 0),
    ];
    for (let round = 0; round < 200; round += 1) {
      const name = next.pick(TARGETS);
      const words = Array.from({ length: next(7) }, () => argument(next, files));
      // A wait is no finding.
      if (name === "poll") words[1] = 0;
      try {
        callUntyped(name, words);
      } catch (error) {
        if (!(error instanceof Error)) throw error;
      }
      calls += 1;
    }
    // What came over the sockets too.
    sys.closeRange(3, 0xffffffff);
  }
  return calls;
}
