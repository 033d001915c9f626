/** Arguments of every binding: what is wrong is refused before any system call is made. */

import * as sys from "urunc:sys";
import { ABSENT, BAD_FD, type Binding, callUntyped, check, equal, type Test, test, throwsNamed } from "./harness.ts";

/** A kind of argument: a harmless sample, and what must throw a TypeError or RangeError in its place. */
interface Kind {
  readonly sample: unknown;
  readonly typeErrors: readonly unknown[];
  readonly rangeErrors: readonly unknown[];
  readonly optional?: true;
}

const notNumbers = ["1", null, {}, true];
const notIntegers = [Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53), 1e300];

function number(sample: number, ...rangeErrors: readonly number[]): Kind {
  return { sample, typeErrors: [...notNumbers, undefined], rangeErrors: [...notIntegers, ...rangeErrors] };
}

function optional(kind: Kind): Kind {
  return { ...kind, typeErrors: kind.typeErrors.filter((value) => value !== undefined), optional: true };
}

const text: Kind = { sample: ABSENT, typeErrors: ["a\0b", "\0", 1, null, {}, undefined, ["a"]], rangeErrors: [] };
const content: Kind = { sample: "text", typeErrors: [1, null, {}, undefined], rangeErrors: [] };
const textOrNull: Kind = { ...text, typeErrors: text.typeErrors.filter((value) => value !== null) };
const socketPath: Kind = { ...text, rangeErrors: ["", "x".repeat(108), "ä".repeat(54)] };
const interfaceName: Kind = { ...text, sample: "name", rangeErrors: ["x".repeat(16), "ä".repeat(8)] };
const texts: Kind = {
  sample: ["a"],
  typeErrors: ["a", null, {}, undefined, [1], ["a\0"], ["a", undefined]],
  rangeErrors: [new Array(65537).fill("a")],
};
const flag: Kind = { sample: true, typeErrors: [1, "true", null, undefined], rangeErrors: [] };
const bytes: Kind = {
  sample: new ArrayBuffer(8),
  typeErrors: ["a", null, {}, [1], new Uint8Array(8)],
  rangeErrors: [],
};
const terminalAttributes: Kind = { ...bytes, rangeErrors: [new ArrayBuffer(0), new ArrayBuffer(8)] };
const program: Kind = {
  ...bytes,
  rangeErrors: [new ArrayBuffer(0), new ArrayBuffer(7), new ArrayBuffer(8 * 4097)],
};

const int = number(0, 2 ** 31, -(2 ** 31) - 1);
const u32 = number(0, -1, 2 ** 32);
const fd = number(BAD_FD, -1, 2 ** 31);
const dirfd = number(BAD_FD, -1, -101, 2 ** 31);
const id = number(0, -2, 2 ** 32 - 1);
const natural = number(0, -1);
const offset = number(0, -1, 9);
const length = number(8, -1, 9);
const mode = u32;

function numbers(sample: readonly number[], ...rangeErrors: readonly unknown[]): Kind {
  return { sample, typeErrors: [1, "1", null, undefined, {}, ["1"], [null]], rangeErrors: [[0.5], ...rangeErrors] };
}

const signals = numbers([1], [0], [65], new Array(65).fill(1));
const capabilities = numbers([0, 0], [], [0], [0, 0, 0], [-1, 0], [0, 2 ** 32]);

const filter: Kind = {
  sample: { defaultAction: 0x7fff0000, rules: [] },
  typeErrors: [
    undefined,
    null,
    1,
    {},
    { defaultAction: "1", rules: [] },
    { defaultAction: 0x7fff0000 },
    { defaultAction: 0x7fff0000, rules: {} },
    { defaultAction: 0x7fff0000, rules: [{ action: "x", syscalls: [] }] },
    { defaultAction: 0x7fff0000, rules: [{ action: 0 }] },
    { defaultAction: 0x7fff0000, rules: [{ action: 0, syscalls: [1] }] },
    { defaultAction: 0x7fff0000, rules: [{ action: 0, syscalls: ["a\0b"] }] },
    { defaultAction: 0x7fff0000, rules: [], ignoreUnknown: 1 },
  ],
  rangeErrors: [
    { defaultAction: -1, rules: [] },
    { defaultAction: 12345, rules: [] },
    { defaultAction: 0x7fff0000, rules: [{ action: 2 ** 32, syscalls: [] }] },
  ],
};

/** The compiler refuses this table when a binding is missing in it. */
const signatures: Readonly<Record<Binding, readonly Kind[]>> = {
  open: [text, int, optional(mode)],
  openat: [dirfd, text, int, optional(mode)],
  openat2: [dirfd, text, u32, mode, u32],
  close: [fd],
  closeRange: [number(BAD_FD, -1, 2 ** 32), u32],
  read: [fd, bytes, offset, length],
  pread: [fd, bytes, offset, length, natural],
  write: [fd, bytes, offset, length],
  writeText: [fd, content],
  readText: [fd, number(1, -1, 2 ** 31)],
  encodeUtf8: [content],
  decodeUtf8: [bytes, offset, length],
  lseek: [fd, number(0), int],
  fsync: [fd],
  ftruncate: [fd, natural],
  fstat: [fd],
  fstatat: [dirfd, text, int],
  fileIdentity: [fd],
  fstatfsType: [fd],
  access: [text, int],
  mkdirat: [dirfd, text, mode],
  mknodat: [dirfd, text, mode, number(0, -1, 0x1000), number(0, -1, 0x100000)],
  symlinkat: [text, dirfd, text],
  readlinkat: [dirfd, text],
  unlinkat: [dirfd, text, int],
  renameat2: [dirfd, text, dirfd, text, u32],
  readdir: [fd],
  fchmod: [fd, mode],
  fchownat: [dirfd, text, id, id, int],
  flock: [fd, int],
  dup2: [fd, number(BAD_FD, -1, 2 ** 31)],
  dupCloexec: [fd, natural],
  setCloexec: [fd, flag],
  setNonblock: [fd, flag],
  setSignalOnInput: [fd, int, int],
  pipe: [],
  memfdCreate: [text, u32],
  addSeals: [fd, int],
  sendfile: [fd, fd, natural],
  umask: [number(0o22, -1, 0o1000)],
  args: [],
  getenv: [text],
  environ: [],
  getpid: [],
  getppid: [],
  getuid: [],
  geteuid: [],
  getegid: [],
  chdir: [text],
  fchdir: [fd],
  getcwd: [],
  clone3: [number(0, -1, 0x100, 0x4000, 0x10000, 0x800, 0x1000, 2 ** 33), optional(fd)],
  clone: [number(0, -1, 0x80, 0x100, 0x4000, 0x10000, 0x800, 0x1000, 2 ** 33)],
  execve: [text, texts, texts],
  fexecve: [fd, texts, texts],
  exit: [number(0, -1, 256)],
  waitpid: [int, int],
  kill: [int, int],
  pidfdOpen: [int],
  pidfdSendSignal: [fd, int],
  setsid: [],
  getsid: [int],
  setns: [fd, int],
  unshare: [int],
  prctl: [int, natural, natural, natural, natural],
  setProcessName: [text],
  releaseCode: [],
  dropBoundingSet: [],
  setresuid: [id, id, id],
  setresgid: [id, id, id],
  setgroups: [numbers([0], [-1], [2 ** 32 - 1], new Array(1025).fill(0))],
  capset: [capabilities, capabilities, capabilities],
  prlimit: [int, int, number(0, -2), number(0, -2)],
  schedSetattr: [int, int, number(0, -1), int, int, number(0, -1), number(0, -1), number(0, -1)],
  ioprioSet: [int, int],
  personality: [number(0, -1)],
  sethostname: [text],
  setdomainname: [text],
  setSignalMask: [signals],
  resetSignalHandlers: [],
  signalfd: [signals],
  readSignal: [fd],
  poll: [numbers([BAD_FD], [-1], new Array(65).fill(0)), number(0, -2, 2 ** 31)],
  wallClock: [],
  monotonicMs: [],
  machine: [],
  physicalMemory: [],
  mount: [textOrNull, text, textOrNull, u32, textOrNull],
  umount2: [text, int],
  pivotRoot: [text, text],
  chroot: [text],
  openTree: [dirfd, text, u32],
  moveMount: [dirfd, text, dirfd, text, u32],
  mountIdmap: [fd, fd],
  mountSetattr: [dirfd, text, u32, u32, u32, u32],
  fsopen: [text],
  fsconfigSet: [fd, text, textOrNull],
  fsconfigCreate: [fd],
  fsmount: [fd, u32],
  socketpair: [int],
  unixSocket: [int],
  bindUnix: [fd, socketPath],
  listen: [fd, int],
  connectUnix: [fd, socketPath],
  accept: [fd],
  peerCredentials: [fd],
  sendFds: [fd, content, numbers([0], [-1], [2 ** 31], new Array(17).fill(0))],
  recvFds: [fd, number(1, 0, -1, 65537)],
  shutdown: [fd, int],
  netlinkSocket: [int],
  bindNetlink: [fd, u32],
  setNetlinkOption: [fd, int, flag],
  sendNetlink: [fd, bytes, offset, length],
  recvNetlink: [fd, bytes, offset, length],
  interfaceIndex: [fd, text],
  networkCookie: [fd],
  tunSetInterface: [fd, interfaceName, number(0, -1, 65536)],
  tunSetOwner: [fd, id],
  tunSetGroup: [fd, id],
  tunSetPersist: [fd, flag],
  isatty: [fd],
  openPtyMaster: [text],
  openPtyPeer: [fd],
  ptyNumber: [fd],
  setControllingTerminal: [fd],
  getWindowSize: [fd],
  setWindowSize: [fd, number(0, -1, 65536), number(0, -1, 65536)],
  setRawMode: [fd],
  restoreMode: [fd, terminalAttributes],
  kvmApiVersion: [fd],
  kvmCreateVm: [fd],
  loopFlags: [fd],
  setLoopFlags: [fd, u32],
  seccompCompile: [filter],
  seccompLoad: [program, number(0, -1, 2 ** 32, 8)],
  bpfLoadCgroupDevice: [program],
  bpfAttachCgroupDevice: [fd, fd],
};

function isBinding(name: string): name is Binding {
  return name in signatures;
}

function refuses(binding: Binding): Test {
  return test(binding, `${binding} refuses arguments of a wrong number, type or range`, () => {
    const kinds = signatures[binding];
    const samples = kinds.map(({ sample }) => sample);
    const least = kinds.filter((kind) => kind.optional === undefined).length;
    throwsNamed("TypeError", () => callUntyped(binding, [...samples, 1]));
    if (least > 0) throwsNamed("TypeError", () => callUntyped(binding, samples.slice(0, least - 1)));
    kinds.forEach(({ typeErrors, rangeErrors }, index) => {
      for (const value of typeErrors) throwsNamed("TypeError", () => callUntyped(binding, samples.with(index, value)));
      for (const value of rangeErrors)
        throwsNamed("RangeError", () => callUntyped(binding, samples.with(index, value)));
    });
  });
}

const detached = test(["read", "write", "decodeUtf8"], "a range that only overflows in its sum is refused", () => {
  const buffer = new ArrayBuffer(8);
  throwsNamed("RangeError", () => sys.read(BAD_FD, buffer, 4, 5));
  throwsNamed("RangeError", () => sys.write(BAD_FD, buffer, 8, Number.MAX_SAFE_INTEGER));
  throwsNamed("RangeError", () => sys.decodeUtf8(buffer, Number.MAX_SAFE_INTEGER, 1));
  equal(sys.decodeUtf8(buffer, 8, 0), "");
  equal(sys.decodeUtf8(new ArrayBuffer(0), 0, 0), "");
});

const complete = test([], "the declared bindings are those of the module", () => {
  equal(Object.keys(sys).sort(), Object.keys(signatures).sort());
  for (const name of Object.keys(sys)) check(isBinding(name), name);
});

export const argumentTests: readonly Test[] = [
  complete,
  detached,
  ...Object.keys(signatures).filter(isBinding).map(refuses),
];
