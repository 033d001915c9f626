import { RuntimeFailure } from "../failure.ts";
import type { Setting } from "../resources/setting.ts";
import { O_WRONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, open, writeText } from "../sys/file.ts";

/** Writes a value into a file of a cgroup: one write(2), as the kernel wants it. */
export function writeCgroupFile(path: string, value: string): void {
  const fd = open(path, O_WRONLY);
  try {
    writeText(fd, value);
  } finally {
    close(fd);
  }
}

/** What a setting has to do with a directory that is known. */
export interface PlacedSetting extends Setting {
  readonly directory: string;
}

/**
 * Writes settings in their order. What the kernel finds contradictory is tried again after the rest: it may be so only
 * until another limit has its new value, a limit of memory above the old one of memory and swap for one.
 *
 * @throws RuntimeFailure `limit` naming value and file.
 */
export function writeSettings(settings: readonly PlacedSetting[]): void {
  const again: PlacedSetting[] = [];
  for (const setting of settings) {
    try {
      writeSetting(setting);
    } catch (error) {
      if (!isSysError(error, "EINVAL", "EBUSY")) throw refused(setting, error);
      again.push(setting);
    }
  }
  for (const setting of again) {
    try {
      writeSetting(setting);
    } catch (error) {
      throw refused(setting, error);
    }
  }
}

function writeSetting({ directory, file, value, instead }: PlacedSetting): void {
  try {
    writeCgroupFile(`${directory}/${file}`, value);
  } catch (error) {
    if (instead === undefined || !isSysError(error, "ENOENT")) throw error;
    writeCgroupFile(`${directory}/${instead.file}`, instead.value);
  }
}

function refused({ directory, file, value }: PlacedSetting, error: unknown): RuntimeFailure {
  const why = isSysError(error, "ENOENT") ? "this kernel has no such limit" : messageOf(error);
  return new RuntimeFailure("limit", `Write ${JSON.stringify(value)} to ${directory}/${file}: ${why}`, {
    kind: isSysError(error, "EINVAL", "ERANGE") ? "user" : "system",
    cause: error,
  });
}
