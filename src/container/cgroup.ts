import { isFrozen, thaw } from "../cgroups/freezer.ts";
import { isV1 } from "../cgroups/limits.ts";
import { endProcesses, pidsOf, signalAll } from "../cgroups/processes.ts";
import { removeCgroup } from "../cgroups/remove.ts";
import { stopUnit } from "../cgroups/systemd.ts";
import { RuntimeFailure } from "../failure.ts";
import type { CgroupPlace } from "../resources/cgroup-place.ts";
import { type CgroupRecord, readCgroupRecord } from "./cgroup-record.ts";
import type { ContainerRecord } from "./record.ts";
import { type Status, statusOf } from "./status.ts";

/** Removes a container's cgroup, and the unit of systemd that it belongs to, with whatever still lives in it. */
export function removeContainerCgroup(place: CgroupPlace): void {
  if (place.unit !== undefined) {
    // systemd would ask politely first.
    endProcesses(place);
    stopUnit(place.unit);
  }
  removeCgroup(place);
}

/** Lets a container's processes go on, so that they notice SIGKILL; cgroup v2 needs no such help. */
export function wakeContainer(directory: string): void {
  const cgroup = readCgroupRecord(directory);
  if (cgroup !== undefined && isV1(cgroup.place)) thaw(cgroup.place);
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

/** Sends a signal to the processes of a container's cgroup but the monitor. */
export function signalOthers(directory: string, signal: number, monitor: number): void {
  const cgroup = readCgroupRecord(directory);
  if (cgroup === undefined) return;
  signalAll(
    pidsOf(cgroup.place).filter((pid) => pid !== monitor),
    signal,
  );
}
