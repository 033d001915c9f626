// Debian's kernels, fetched once into the build folder: the one for virtual machines, and the one for all, which has 9p.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cpioHead, cpioPadding, cpioTrailer } from "../../src/storage/cpio.ts";
import { run, succeed } from "./command.ts";
import { HELPERS } from "./paths.ts";

/**
 * Where they are kept: with what else is built. The annotation that names a kernel takes plain paths only, so that those
 * of a checkout with blanks or other letters in its path lie elsewhere.
 */
const KEPT = /^[A-Za-z0-9._/+~-]*$/.test(HELPERS) ? HELPERS : "/var/cache/urunc-tests";

/** In the order in which they need each other. */
const COMMON = [
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci",
  "drivers/char/virtio_console",
  "drivers/block/virtio_blk",
  "net/core/failover",
  "drivers/net/net_failover",
  "drivers/net/virtio_net",
  "drivers/acpi/button",
  "drivers/input/evdev",
];

const KERNELS = {
  cloud: { package: "linux-image-cloud-amd64", folder: "linux", own: ["fs/fuse/fuse", "fs/fuse/virtiofs"] },
  full: {
    package: "linux-image-amd64",
    folder: "linux-full",
    own: ["lib/crc16", "fs/mbcache", "fs/jbd2/jbd2", "crypto/crc32c_generic", "lib/libcrc32c", "fs/ext4/ext4"].concat([
      "fs/fscache/fscache",
      "fs/netfs/netfs",
      "net/9p/9pnet",
      "net/9p/9pnet_virtio",
      "fs/9p/9p",
    ]),
  },
} as const;

export interface LinuxKernel {
  /** Directory of the kernel. */
  readonly directory: string;
  readonly image: string;
  /** Content of the modules that disks, nics and the power button need, with their names. */
  readonly modules: readonly CpioFile[];
}

export interface CpioFile {
  readonly name: string;
  readonly mode: number;
  readonly content: Buffer;
}

/** @throws Error when the package cannot be fetched: these tests are not to be left out. */
export function debianKernel(kind: keyof typeof KERNELS = "cloud"): LinuxKernel {
  const { folder, package: name, own } = KERNELS[kind];
  const place = join(KEPT, folder);
  if (!existsSync(place)) fetchPackage(name, place);
  // Debian 13's package has them below /usr.
  const kept = [join(place, "usr", "lib", "modules"), join(place, "lib", "modules")].find((one) => existsSync(one));
  if (kept === undefined) throw new Error(`The package ${name} in ${place} has no modules`);
  const [version = ""] = readdirSync(kept);
  const modules = [...COMMON, ...own].flatMap((path, index) => {
    const content = moduleAt(join(kept, version, "kernel", `${path}.ko`));
    // What a kernel has no module for it has built in, or does without.
    if (content === undefined) return [];
    const name = `.urunc/modules/${10 + index}-${path.slice(path.lastIndexOf("/") + 1)}.ko`;
    return [{ name, mode: 0o100644, content }];
  });
  return { directory: join(place, "boot"), image: join(place, "boot", `vmlinuz-${version}`), modules };
}

/** Debian 13's modules are compressed. */
function moduleAt(path: string): Buffer | undefined {
  if (existsSync(path)) return readFileSync(path);
  return existsSync(`${path}.xz`) ? execFileSync("xz", ["-dc", `${path}.xz`], { maxBuffer: 1 << 28 }) : undefined;
}

function fetchPackage(name: string, place: string): void {
  mkdirSync(KEPT, { recursive: true });
  const folder = mkdtempSync(join(KEPT, "linux-"));
  const fetched = (one: string) => run(folder, ["apt-get", "download", one], { timeoutMs: 100_000 });
  if (fetched(name).status !== 0) {
    succeed(run(folder, ["apt-get", "update"], { timeoutMs: 100_000 }));
    succeed(fetched(name));
  }
  const depends = succeed(run(folder, ["dpkg-deb", "-f", debIn(folder, name), "Depends"])).stdout();
  const real = /linux-image-[0-9][a-z0-9.+-]*/.exec(depends)?.[0] ?? "";
  succeed(fetched(real));
  succeed(run(folder, ["dpkg-deb", "-x", debIn(folder, real), join(folder, "tree")]));
  renameSync(join(folder, "tree"), place);
  rmSync(folder, { recursive: true });
}

function debIn(folder: string, name: string): string {
  const found = readdirSync(folder).find((file) => file.startsWith(`${name}_`) && file.endsWith(".deb"));
  if (found === undefined) throw new Error(`apt-get download ${name} left no package in ${folder}`);
  return join(folder, found);
}

/** A cpio archive of these files and the directories they lie in. */
export function cpioOf(files: readonly CpioFile[]): Buffer {
  const directories = new Set<string>();
  for (const { name } of files) {
    for (let cut = name.indexOf("/"); cut > 0; cut = name.indexOf("/", cut + 1)) directories.add(name.slice(0, cut));
  }
  const entries = [
    ...[...directories].sort().map((name) => ({ name, mode: 0o040755, content: Buffer.alloc(0) })),
    ...files,
  ];
  const parts = entries.flatMap(({ name, mode, content }, index) => {
    const numbers = { uid: 0, gid: 0, mtime: 0, ino: index + 1, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
    const head = cpioHead({ name, mode, size: content.length, ...numbers });
    return [Buffer.from(head), content, Buffer.from(cpioPadding(content.length))];
  });
  return Buffer.concat([...parts, Buffer.from(cpioTrailer())]);
}
