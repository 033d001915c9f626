import { deviceNumbers } from "../cgroups/devices.ts";
import { applyDevices, applyLimits, isV1 } from "../cgroups/limits.ts";
import { type CgroupEntrance, checkIsFree, enterCgroup, makeCgroup } from "../cgroups/make.ts";
import { inodesOf } from "../cgroups/owned.ts";
import { endProcesses, pidsAnywhere } from "../cgroups/processes.ts";
import { removeEmpty } from "../cgroups/remove.ts";
import { startUnit, stopUnit } from "../cgroups/systemd.ts";
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
import { limitProperties, parseScope, type Scope, scopePlace, scopeProperties } from "../resources/scope.ts";
import { exists, readTextFile } from "../sys/file.ts";
import { geteuid } from "../sys/process.ts";
import { removeContainerCgroup } from "./cgroup.ts";
import { type CgroupRecord, noteMade, writeCgroupRecord } from "./cgroup-record.ts";
import type { CleanupStack } from "./cleanup.ts";
import type { ContainerDirectory } from "./container-directory.ts";

const MEMBERSHIPS_LIMIT = 1 << 20;

/** What init opens itself, before it is the monitor. */
const DEVICES_OF_INIT: readonly string[] = ["/dev/null", TUN_DEVICE];

/** The cgroup of a container that is being created. */
export interface ContainerCgroup {
  readonly plan: CgroupPlan;
  readonly place: CgroupPlace;
  /** With the driver systemd: the unit, which puts the process into the cgroup once it is there. */
  readonly scope?: Scope;
  /** Its directories that are there already, without processes. */
  readonly stale: readonly string[];
}

/**
 * Decides where the container's cgroup will lie; nothing is made.
 *
 * @param systemd whether systemd shall make it.
 * @returns undefined for a bundle that asks for none.
 * @throws RuntimeFailure `cgroups-path`, or `cgroup` when somebody else's processes are there.
 */
export function placeCgroup({ cgroup }: LaunchPlan, id: string, systemd: boolean): ContainerCgroup | undefined {
  if (cgroup === undefined) return undefined;
  const memberships = mountedHierarchies();
  const found = systemd ? systemdPlace(cgroup, id, memberships) : { place: placeOf(cgroup, id, memberships) };
  return { plan: cgroup, ...found, stale: checkIsFree(found.place) };
}

function placeOf(cgroup: CgroupPlan, id: string, memberships: readonly Membership[]): CgroupPlace {
  const place = cgroupfsPlace(cgroup.path, id, memberships);
  if (!place.ok) throw failureOf("Cgroup", place.problems);
  return place.value;
}

function systemdPlace(cgroup: CgroupPlan, id: string, memberships: readonly Membership[]) {
  const isRoot = geteuid() === 0;
  const scope = parseScope(cgroup.path, id, isRoot);
  if (!scope.ok) throw failureOf("Cgroup", scope.problems);
  return { scope: scope.value, place: scopePlace(scope.value, memberships, isRoot) };
}

/** The cgroups of this process in the hierarchies that can be reached. */
function mountedHierarchies(): readonly Membership[] {
  const all = parseMemberships(readTextFile("/proc/self/cgroup", MEMBERSHIPS_LIMIT));
  const unified = isUnified(all);
  const mounted = all.filter(({ controllers }) => exists(`${hierarchyRoot(controllers, unified)}/cgroup.procs`));
  if (mounted.length > 0) return mounted;
  const message = "No cgroup hierarchy is mounted below /sys/fs/cgroup: mount one, as systemd does";
  throw new RuntimeFailure("cgroup", message, { kind: "system" });
}

/**
 * Makes the cgroup; it is noted before, so that `delete` finds what a killed `create` leaves.
 *
 * @returns undefined where systemd makes it, which needs the process first: see {@link startScope}.
 */
export function makeContainerCgroup(
  directory: number,
  cgroup: ContainerCgroup,
  guestMemory: number,
  cleanup: CleanupStack,
): CgroupEntrance | undefined {
  const { place, scope, stale } = cgroup;
  const record = recordOf(cgroup, guestMemory);
  writeCgroupRecord(directory, record);
  if (scope !== undefined) return undefined;
  const entrance = makeCgroup(place, stale);
  // Until it is known which they are: nobody is in them yet.
  cleanup.push(() => removeEmpty(place));
  own(directory, record, cleanup);
  return entrance;
}

function recordOf({ place, plan }: ContainerCgroup, guestMemory: number): CgroupRecord {
  const { overhead, resources } = plan;
  const bundleLimit = (resources.memory?.limit ?? 0) - overhead;
  return { place, guestMemory, ...(bundleLimit > 0 && bundleLimit !== guestMemory ? { bundleLimit } : {}), overhead };
}

/** From here on the cgroup and what is in it goes with the container. */
function own(directory: number, record: CgroupRecord, cleanup: CleanupStack): void {
  const made = inodesOf(record.place);
  cleanup.push(() => removeContainerCgroup({ ...record, made }));
  noteMade(directory, record, made);
}

/** Has systemd make the unit around a process that waits, and puts it into the hierarchies that systemd leaves alone. */
export function startScope(
  directory: ContainerDirectory,
  cgroup: ContainerCgroup,
  guestMemory: number,
  pid: number,
  cleanup: CleanupStack,
): void {
  const { place, plan, scope } = cgroup;
  if (scope === undefined) return;
  // When the bus dies, nobody says whether the unit has been started; that the process is in its cgroup does.
  cleanup.push(() => {
    if (!pidsAnywhere(place).includes(pid)) return;
    endProcesses(place);
    stopUnit(scope.unit);
  });
  const limits = limitProperties(plan.resources, isV1(place));
  const properties = scopeProperties(scope, `urunc container ${directory.id}`, pid, limits);
  startUnit(scope.unit, properties, () => pidsAnywhere(place).includes(pid));
  const entrance = makeCgroup(place);
  own(directory.fd, recordOf(cgroup, guestMemory), cleanup);
  enterCgroup(entrance, pid);
  checkIsInside(place, pid, scope.unit);
}

/** Where systemd has put a process is systemd's word: it must be where the limits are, or they are nobody's. */
function checkIsInside(place: CgroupPlace, pid: number, unit: string): void {
  const memberships = parseMemberships(readTextFile(`/proc/${pid}/cgroup`, MEMBERSHIPS_LIMIT));
  const unified = isUnified(memberships);
  for (const { controllers, path } of memberships) {
    const wanted = controllers === "" ? place.v2 : place.v1[controllers];
    const real = `${hierarchyRoot(controllers, unified)}${path}`;
    if (wanted === undefined || real === wanted) continue;
    const what = `its process is in the cgroup ${real} and would be limited in ${wanted}`;
    throw new RuntimeFailure("cgroup", `Start unit ${unit}: ${what}: choose another linux.cgroupsPath`);
  }
}

/** Every limit of the bundle, and the devices that bundle and plan name. */
export function limitContainer({ plan, place }: ContainerCgroup, { devices }: LaunchPlan): void {
  applyLimits(place, plan.resources);
  applyDevices(place, plan.resources, deviceNumbers([...DEVICES_OF_INIT, ...devices.map(({ path }) => path)]));
}
