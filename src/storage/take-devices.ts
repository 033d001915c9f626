import { RuntimeFailure } from "../failure.ts";
import type { DeviceToTake, LaunchPlan } from "../plan/launch-plan.ts";
import { O_EXCL, O_RDONLY, O_RDWR, UMOUNT_NOFOLLOW } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { umount2 } from "../sys/mount.ts";
import { backingFile, type DeviceName, isAutoclear, openBlockDevice, setAutoclear, whileBusy } from "./block-device.ts";
import { noteUndo } from "./undo-journal.ts";

/**
 * Takes the file systems that the guest gets as disks off the host. It has to happen in the host's mount namespace: a
 * file system that stays mounted there while a guest writes to it is destroyed. What has to be put back is in the
 * journal before each step.
 *
 * @param directory the container's, for the journal.
 * @returns a descriptor for each, which claims the device: nobody can mount it as long as that is open (open(2), O_EXCL).
 * @throws RuntimeFailure `storage` naming the step and the device.
 */
export function takeDevices({ takes }: LaunchPlan, directory: number): readonly number[] {
  const claims: number[] = [];
  try {
    for (const take of takes) claims.push(takeDevice(take, directory));
    return claims;
  } catch (error) {
    // What is claimed cannot be mounted again.
    for (const fd of claims) close(fd);
    throw error;
  }
}

function takeDevice({ mount, readonly }: DeviceToTake, directory: number): number {
  const { source, device, mountPoint } = mount;
  const backing = backingFile(device);
  // Open until it is claimed: without a user a loop device may go.
  const held = step(`Open ${source}`, () => openBlockDevice(mount, O_RDONLY));
  try {
    if (backing !== null && isAutoclear(mount)) {
      noteUndo(directory, { undo: "keep-loop", source, device, backing });
      step(`Keep ${source}`, () => setAutoclear(mount, false));
    }
    noteUndo(directory, { undo: "unmount", mount, backing });
    step(`Unmount ${mountPoint}`, () => whileBusy(() => umount2(mountPoint, UMOUNT_NOFOLLOW)));
    return claim(mount, readonly);
  } finally {
    close(held);
  }
}

function claim(name: DeviceName, readonly: boolean): number {
  try {
    return whileBusy(() => openBlockDevice(name, (readonly ? O_RDONLY : O_RDWR) | O_EXCL));
  } catch (error) {
    if (!isSysError(error)) throw error;
    const why = error.code === "EBUSY" ? "it is still mounted in another mount namespace" : error.message;
    throw new RuntimeFailure("storage", `Claim ${name.source} for the guest: ${why}`, { kind: "system", cause: error });
  }
}

function step<T>(name: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!isSysError(error)) throw error;
    throw new RuntimeFailure("storage", `${name}: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}
