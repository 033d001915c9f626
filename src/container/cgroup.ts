import { isFrozen, thaw } from "../cgroups/freezer.ts";
import { isV1 } from "../cgroups/limits.ts";
import { ownedPart } from "../cgroups/owned.ts";
import { endProcesses, pidsAnywhere, pidsOf, signalAll } from "../cgroups/processes.ts";
import { removeCgroup, removeEmpty } from "../cgroups/remove.ts";
import { stopUnit } from "../cgroups/systemd.ts";
import { RuntimeFailure } from "../failure.ts";
import { type CgroupPlace, directories } from "../resources/cgroup-place.ts";
import { type CgroupRecord, readCgroupRecord } from "./cgroup-record.ts";
import { readMark } from "./container-directory.ts";
import { signalMarked } from "./marked.ts";
import type { ContainerRecord } from "./record.ts";
import { type Status, statusOf } from "./status.ts";

/**
 * Removes a container's cgroup, and the unit of systemd that it belongs to, with whatever still lives in it. What has
 * its name and is another's by now is left alone.
 *
 * @param onUnitLeft is told why the unit could not be stopped, where that shall keep nothing from going on: systemd
 *   itself gives up a unit that has no process and no cgroup any more.
 * @throws RuntimeFailure `cgroup`, `still-running`, and without `onUnitLeft` `systemd`, `dbus`.
 */
export function removeContainerCgroup(
  { place, made }: Pick<CgroupRecord, "place" | "made">,
  onUnitLeft?: (message: string) => void,
): void {
  const owned = ownedPart(place, made ?? {});
  if (place.unit !== undefined && (directories(owned).length > 0 || pidsAnywhere(place).length === 0)) {
    // systemd would ask politely first.
    endProcesses(owned);
    stopOrTell(place.unit, onUnitLeft);
  }
  removeCgroup(owned);
  // Those of a create that was killed on the way.
  if (made === undefined) removeEmpty(place);
}

function stopOrTell(unit: string, onLeft: ((message: string) => void) | undefined): void {
  try {
    stopUnit(unit);
  } catch (error) {
    if (onLeft === undefined || !(error instanceof RuntimeFailure)) throw error;
    onLeft(error.message);
  }
}

/** What of a container's cgroup is still its own; undefined where it has none. */
export function ownedCgroupOf(directory: string): CgroupPlace | undefined {
  const cgroup = readCgroupRecord(directory);
  return cgroup === undefined ? undefined : ownedPart(cgroup.place, cgroup.made ?? {});
}

/** Lets a container's processes go on, so that they notice SIGKILL; cgroup v2 needs no such help. */
export function wakeContainer(directory: string): void {
  const place = ownedCgroupOf(directory);
  if (place !== undefined && isV1(place)) thaw(place);
}

/**
 * What is noted of a container's cgroup.
 *
 * @param step what is in vain without one.
 * @throws RuntimeFailure `no-cgroup`.
 */
export function cgroupOf(directory: string, step: string): CgroupRecord {
  const cgroup = readCgroupRecord(directory);
  if (cgroup !== undefined) return cgroup;
  const advice = "create it with linux.cgroupsPath or linux.resources in config.json";
  throw new RuntimeFailure("no-cgroup", `${step}: it has no cgroup of its own: ${advice}`);
}

/** The status, with `paused` for a container whose processes are frozen. */
export function statusWithPause(directory: string, record: ContainerRecord): Status | "paused" {
  const status = statusOf(record);
  if (status === "stopped") return status;
  const cgroup = readCgroupRecord(directory);
  return cgroup !== undefined && isFrozen(cgroup.place) ? "paused" : status;
}

/** Sends a signal to the processes of a container but the monitor. */
export function signalOthers(directory: string, signal: number, { pid: monitor, urunc }: ContainerRecord): void {
  if (urunc.isMarked === true) signalMarked(readMark(directory), signal, monitor);
  const place = ownedCgroupOf(directory);
  if (place === undefined) return;
  signalAll(
    pidsOf(place).filter((pid) => pid !== monitor),
    signal,
  );
}
