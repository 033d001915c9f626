import { deviceNumbers } from "../cgroups/devices.ts";
import { isFrozen, thaw } from "../cgroups/freezer.ts";
import { applyDevices, applyLimits, isV1 } from "../cgroups/limits.ts";
import { type CgroupEntrance, checkIsFree, makeCgroup } from "../cgroups/make.ts";
import { pidsOf, signalAll } from "../cgroups/processes.ts";
import { removeCgroup } from "../cgroups/remove.ts";
import { failureOf, RuntimeFailure } from "../failure.ts";
import { TUN_DEVICE } from "../plan/fact-query.ts";
import type { CgroupPlan, LaunchPlan } from "../plan/launch-plan.ts";
import {
  type CgroupPlace,
  cgroupfsPlace,
  hierarchyRoot,
  isUnified,
  type Membership,
  parseMemberships,
} from "../resources/cgroup-place.ts";
import { exists, readTextFile } from "../sys/file.ts";
import { type CgroupRecord, readCgroupRecord, writeCgroupRecord } from "./cgroup-record.ts";
import type { CleanupStack } from "./cleanup.ts";
import type { ContainerRecord } from "./record.ts";
import { type Status, statusOf } from "./status.ts";

const MEMBERSHIPS_LIMIT = 1 << 20;

/** What init opens itself, before it is the monitor. */
const DEVICES_OF_INIT: readonly string[] = ["/dev/null", TUN_DEVICE];

/** The cgroup of a container that is being created. */
export interface ContainerCgroup {
  readonly plan: CgroupPlan;
  readonly place: CgroupPlace;
}

/**
 * Decides where the container's cgroup will lie; nothing is made.
 *
 * @returns undefined for a bundle that asks for none.
 * @throws RuntimeFailure `cgroups-path`, or `cgroup` when somebody else's processes are there.
 */
export function placeCgroup({ cgroup }: LaunchPlan, id: string): ContainerCgroup | undefined {
  if (cgroup === undefined) return undefined;
  const memberships = mountedHierarchies();
  const place = cgroupfsPlace(cgroup.path, id, memberships);
  if (!place.ok) throw failureOf("Cgroup", place.problems);
  checkIsFree(place.value);
  return { plan: cgroup, place: place.value };
}

/** The cgroups of this process in the hierarchies that can be reached. */
function mountedHierarchies(): readonly Membership[] {
  const all = parseMemberships(readTextFile("/proc/self/cgroup", MEMBERSHIPS_LIMIT));
  const unified = isUnified(all);
  const mounted = all.filter(({ controllers }) => exists(`${hierarchyRoot(controllers, unified)}/cgroup.procs`));
  if (mounted.length > 0) return mounted;
  throw new RuntimeFailure(
    "cgroup",
    "No cgroup hierarchy is mounted below /sys/fs/cgroup: mount one, as systemd does",
    {
      kind: "system",
    },
  );
}

/** Makes the cgroup; it is noted before, so that `delete` finds what a killed `create` leaves. */
export function makeContainerCgroup(
  directory: number,
  cgroup: ContainerCgroup,
  guestMemory: number,
  cleanup: CleanupStack,
): CgroupEntrance {
  writeCgroupRecord(directory, { place: cgroup.place, guestMemory, overhead: cgroup.plan.overhead });
  const entrance = makeCgroup(cgroup.place);
  cleanup.push(() => removeCgroup(cgroup.place));
  return entrance;
}

/** Every limit of the bundle, and the devices that bundle and plan name. */
export function limitContainer({ plan, place }: ContainerCgroup, { devices }: LaunchPlan): void {
  applyLimits(place, plan.resources);
  applyDevices(place, plan.resources, deviceNumbers([...DEVICES_OF_INIT, ...devices.map(({ path }) => path)]));
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
