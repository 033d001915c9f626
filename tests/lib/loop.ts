// Loop devices with ext4, which stand for devices of a snapshotter. What a test makes is gone at its end.
import { join } from "node:path";
import { run, succeed } from "./command.ts";
import { loops, mounts } from "./host.ts";
import { atEnd, scratch } from "./hygiene.ts";

function fails(...command: readonly string[]): boolean {
  return run(scratch(), command).status !== 0;
}

/** Makes an ext4 file system of a directory tree, in a sparse file. */
export function ext4Of(tree: string, file: string, size = "64M"): string {
  succeed(run(scratch(), ["truncate", "-s", size, file]));
  succeed(run(scratch(), ["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, file]));
  return file;
}

/** Mounts it as containerd mounts a block file: by a loop device that goes with its last user. */
export function loopMount(file: string, place: string, ...options: readonly string[]): string {
  succeed(run(scratch(), ["mount", "-o", ["loop", ...options].join(","), file, place]));
  const device = succeed(run(scratch(), ["findmnt", "-n", "-o", "SOURCE", place]))
    .stdout()
    .trim();
  atEnd(() => {
    while (!fails("mountpoint", "-q", place)) succeed(run(scratch(), ["umount", place]));
  });
  return device;
}

/** Puts the rootfs of a bundle on a file system of its own, mounted where it was. */
export function mountRootfs(bundle: string, ...options: readonly string[]): string {
  const rootfs = join(bundle, "rootfs");
  const file = ext4Of(rootfs, join(scratch(), "rootfs.ext4"));
  succeed(run(scratch(), ["find", rootfs, "-mindepth", "1", "-delete"]));
  return loopMount(file, rootfs, ...options);
}

/** What of the host's storage a container of this test may change: mounts in any order, loop devices. */
export function storageOfHost(): string {
  return [
    ...mounts()
      .filter((line) => line.includes(scratch()))
      .sort(),
    ...loops(),
  ].join("\n");
}
