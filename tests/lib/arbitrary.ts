/** Generators shared by the property tests. */
import fc from "fast-check";

/** How often a property is tried; FC_RUNS multiplies it. */
export function runs(count: number): { numRuns: number } {
  return { numRuns: count * Number(process.env["FC_RUNS"] ?? 1) };
}

/** Text made of what splitters, quoting rules and option lists look at. */
const TOKENS = [
  ...['"', "'", "\\", " ", "  ", "\n", "\t", "\u000b", "\r", ",", ",,", "=", ":", ";", "[", "]", "{", "}", "%", "$"],
  ...[
    "-",
    "--",
    "-drive",
    "-- -monitor stdio",
    "file=/etc/passwd",
    "if=none",
    "readonly=on",
    "init=/bin/sh",
    "env.vars=",
  ],
  ...["a", "B", "7", ".", "/", "..", "é", "à", "\u00a0", "\u3000", "語", "😀", "\u001b[2J", "\u202e", "\u007f"],
];

export const nasty = fc.oneof(
  fc.array(fc.constantFrom(...TOKENS), { maxLength: 8 }).map((tokens) => tokens.join("")),
  fc.string({ unit: "binary", maxLength: 12 }).map((text) => text.replaceAll("\0", "")),
);

export const args = fc.array(nasty, { maxLength: 6 });
const name = fc.oneof(
  fc.constantFrom("A", "PATH", "init", "root", "my.dot", "x-y", "http_proxy", "no-kaslr"),
  nasty.map((text) => text.replaceAll("=", "_") || "N"),
);
export const env = fc.array(
  fc.tuple(name, nasty).map(([key, value]) => `${key}=${value}`),
  { maxLength: 6 },
);

/** A valid config.json with everything parseSpec looks at. */
export const FULL_CONFIG = {
  ociVersion: "1.2.0",
  root: { path: "rootfs", readonly: true },
  hostname: "guest",
  domainname: "example",
  process: {
    terminal: true,
    consoleSize: { width: 80, height: 25 },
    args: ["app"],
    env: ["A=1"],
    cwd: "/",
    user: { uid: 1, gid: 2, additionalGids: [3], umask: 18 },
    rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }],
    oomScoreAdj: 5,
  },
  mounts: [{ destination: "/proc", type: "proc", source: "proc", options: ["ro"] }],
  hooks: { prestart: [{ path: "/bin/true", args: ["true"], env: ["A=1"], timeout: 1 }] },
  annotations: {
    "com.urunc.unikernel.unikernelType": "linux",
    "com.urunc.unikernel.hypervisor": "qemu",
    "com.urunc.unikernel.binary": "/kernel",
    "com.urunc.unikernel.initrd": "/initrd",
    "com.urunc.unikernel.block": "/disk.img",
    "com.urunc.unikernel.blkMntPoint": "/data",
  },
  linux: {
    namespaces: [{ type: "pid" }, { type: "network", path: "/proc/1/ns/net" }, { type: "uts" }],
    uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    resources: { memory: { limit: 268435456 } },
    seccomp: { defaultAction: "SCMP_ACT_ERRNO" },
    cgroupsPath: "/a",
    rootfsPropagation: "rslave",
  },
};

/** A value with one member somewhere below it replaced, taken away or added. */
export function mutated(value: unknown): fc.Arbitrary<unknown> {
  const paths = pathsOf(value);
  return fc
    .tuple(fc.constantFrom(...paths), fc.oneof(fc.jsonValue(), fc.constantFrom(undefined, -1, 2 ** 64, 0.5), nasty))
    .map(([path, replacement]) => replaced(value, path, replacement));
}

type Path = readonly (string | number)[];

function pathsOf(value: unknown): readonly Path[] {
  if (typeof value !== "object" || value === null) return [[]];
  const paths: Path[] = [[]];
  for (const [key, member] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key;
    for (const path of pathsOf(member)) paths.push([step, ...path]);
  }
  return paths;
}

function replaced(value: unknown, path: Path, replacement: unknown): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return replacement;
  if (Array.isArray(value))
    return value.map((entry, index) => (index === step ? replaced(entry, rest, replacement) : entry));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, key === step ? replaced(member, rest, replacement) : member]),
  );
}
