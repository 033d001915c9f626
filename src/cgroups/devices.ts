import { RuntimeFailure } from "../failure.ts";
import type { NeededDevice } from "../resources/device-rules.ts";
import { bpfAttachCgroupDevice, bpfLoadCgroupDevice } from "../sys/bpf.ts";
import { AT_FDCWD, S_IFBLK, S_IFCHR, S_IFMT } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, fstatat, openDirectory } from "../sys/file.ts";

/** The numbers of device nodes of the host; those that are none, or are not there, are left out. */
export function deviceNumbers(paths: readonly string[]): readonly NeededDevice[] {
  return paths.flatMap((path): readonly NeededDevice[] => {
    try {
      const { mode, rdevMajor: major, rdevMinor: minor } = fstatat(AT_FDCWD, path, 0);
      const kind = mode & S_IFMT;
      return kind === S_IFCHR ? [{ type: "c", major, minor }] : kind === S_IFBLK ? [{ type: "b", major, minor }] : [];
    } catch (error) {
      if (isSysError(error)) return [];
      throw error;
    }
  });
}

/**
 * Attaches a device program to a cgroup v2 directory; it goes with the directory.
 *
 * @throws RuntimeFailure `limit`.
 */
export function allowDevices(directory: string, program: Uint8Array): void {
  try {
    const fd = openDirectory(directory);
    try {
      attach(fd, program);
    } finally {
      close(fd);
    }
  } catch (error) {
    if (!isSysError(error)) throw error;
    const message = `Limit devices of ${directory} by a BPF program: ${messageOf(error)}`;
    throw new RuntimeFailure("limit", message, { kind: "system", cause: error });
  }
}

function attach(cgroup: number, program: Uint8Array): void {
  const loaded = bpfLoadCgroupDevice(program.slice().buffer);
  try {
    bpfAttachCgroupDevice(cgroup, loaded);
  } finally {
    close(loaded);
  }
}
