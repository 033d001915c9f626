// Debian's kernel for virtual machines, fetched once into the build folder.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cpioHead, cpioPadding, cpioTrailer } from "../../src/storage/cpio.ts";
import { run, succeed } from "./command.ts";
import { HELPERS } from "./paths.ts";

const PACKAGE = "linux-image-cloud-amd64";
const PLACE = join(HELPERS, "linux");

/** In the order in which they need each other. */
const MODULES = [
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
export function debianKernel(): LinuxKernel {
  if (!existsSync(PLACE)) fetchPackage();
  const [version = ""] = readdirSync(join(PLACE, "lib", "modules"));
  const modules = MODULES.map((path, index) => ({
    name: `.urunc/modules/${10 + index}-${path.slice(path.lastIndexOf("/") + 1)}.ko`,
    mode: 0o100644,
    content: readFileSync(join(PLACE, "lib", "modules", version, "kernel", `${path}.ko`)),
  }));
  return { directory: join(PLACE, "boot"), image: join(PLACE, "boot", `vmlinuz-${version}`), modules };
}

function fetchPackage(): void {
  mkdirSync(HELPERS, { recursive: true });
  const folder = mkdtempSync(join(HELPERS, "linux-"));
  const fetched = (name: string) => run(folder, ["apt-get", "download", name], { timeoutMs: 100_000 });
  if (fetched(PACKAGE).status !== 0) {
    succeed(run(folder, ["apt-get", "update"], { timeoutMs: 100_000 }));
    succeed(fetched(PACKAGE));
  }
  const depends = succeed(run(folder, ["dpkg-deb", "-f", debIn(folder, PACKAGE), "Depends"])).stdout();
  const real = /linux-image-[0-9][a-z0-9.+-]*/.exec(depends)?.[0] ?? "";
  succeed(fetched(real));
  succeed(run(folder, ["dpkg-deb", "-x", debIn(folder, real), join(folder, "tree")]));
  renameSync(join(folder, "tree"), PLACE);
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
