/** The systemd unit of a container: its name, its place, its properties; names and conversions are runc's. */
import type { DbusValue } from "../dbus/value.ts";
import type { Resources } from "../oci/resources.ts";
import { type Result, refusal, success } from "../result.ts";
import { type CgroupPlace, type Membership, placeAt } from "./cgroup-place.ts";
import { cpuWeight, v2Swap } from "./v2-settings.ts";

/** A transient scope. */
export interface Scope {
  readonly unit: string;
  readonly slice: string;
}

/** `linux.cgroupsPath` of the form `slice:prefix:name`; without one the id names the unit. */
export function parseScope(path: string | undefined, id: string, isRoot: boolean): Result<Scope> {
  const parts = (path ?? `:urunc:${id}`).split(":");
  const [slice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3 || name === "") return refuse(path, "must be slice:prefix:name with --systemd-cgroup");
  const unit = `${prefix === "" ? "" : `${prefix}-`}${name}.scope`;
  if (!/^[\w:.\\-]{1,255}$/.test(unit)) return refuse(path, `gives ${unit}, which cannot be the name of a unit`);
  const home = slice === "" ? (isRoot ? "system.slice" : "user.slice") : slice;
  if (home !== "-.slice" && !/^[\w.\\]+(-[\w.\\]+)*\.slice$/.test(home)) return refuse(path, `${home} is no slice`);
  return success({ unit, slice: home });
}

function refuse(path: string | undefined, reason: string): Result<Scope> {
  return refusal([{ code: "cgroups-path", message: `linux.cgroupsPath ${JSON.stringify(path)}: ${reason}` }]);
}

/** `a-b.slice` lies in `a.slice`. */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const names = slice.slice(0, -".slice".length).split("-");
  return names.map((_, index) => `/${directoryName(`${names.slice(0, index + 1).join("-")}.slice`)}`).join("");
}

/** What systemd takes for controllers, its own ones among them (`cgroup_controller_to_string` of systemd 257). */
const CONTROLLERS =
  "cpu cpuacct cpuset io blkio memory devices pids bpf-firewall bpf-devices bpf-foreign bpf-socket-bind " +
  "bpf-restrict-network-interfaces bpf-bind-network-interface";
const RESERVED = new RegExp(`^(?:[_.]|(?:cgroup|${CONTROLLERS.split(" ").join("|")})\\.)`);

/** The directory of a unit: a name that could be a file of the kernel's gets `_` before it (`cg_escape` of systemd). */
function directoryName(unit: string): string {
  return RESERVED.test(unit) ? `_${unit}` : unit;
}

/** Where systemd puts the unit: below its own cgroup, which is the root but for a user's instance. */
export function scopePlace(scope: Scope, memberships: readonly Membership[], isRoot: boolean): CgroupPlace {
  const inner = `${slicePath(scope.slice)}/${directoryName(scope.unit)}`;
  const user = memberships
    .map(({ path }) => /^.*\/user@\d+\.service/.exec(path)?.[0])
    .find((path) => path !== undefined);
  return { ...placeAt(memberships, () => `${isRoot ? "" : (user ?? "")}${inner}`), unit: scope.unit };
}

const INFINITY = 0xffff_ffff_ffff_ffffn;

function number(value: number): DbusValue {
  return { type: "t", value: value < 0 ? INFINITY : BigInt.asUintN(64, BigInt(Math.min(value, 2 ** 63))) };
}

type Property = readonly [name: string, value: DbusValue];

/** Properties of the new unit. */
export function scopeProperties(scope: Scope, description: string, pid: number, limits: readonly Property[]) {
  const yes = { type: "b", value: true } as const;
  return [
    ["Description", { type: "s", value: description }],
    ["Slice", { type: "s", value: scope.slice }],
    ["Delegate", yes],
    ["MemoryAccounting", yes],
    ["CPUAccounting", yes],
    ["IOAccounting", yes],
    ["TasksAccounting", yes],
    ["DefaultDependencies", { type: "b", value: false }],
    ["PIDs", { type: "au", value: [pid] }],
    ...limits,
  ] as const satisfies readonly Property[];
}

/**
 * The limits that systemd knows, so that it does not undo them when it writes the unit's again. The files of the cgroup
 * are written besides: they have all limits, and no rounding.
 */
export function limitProperties(resources: Resources, isV1: boolean): readonly Property[] {
  const exact = isV1 ? [] : unifiedProperties(resources.unified ?? {});
  return [...new Map([...memberProperties(resources, isV1), ...exact])];
}

function memberProperties({ memory, cpu, pids, blockIO }: Resources, isV1: boolean): readonly Property[] {
  const { shares, quota, period, cpus, mems } = cpu ?? {};
  const swap = v2Swap(memory?.limit, memory?.swap);
  return [
    ...(memory?.limit ? [[isV1 ? "MemoryLimit" : "MemoryMax", number(memory.limit)] as const] : []),
    ...(memory?.reservation && !isV1 ? [["MemoryLow", number(memory.reservation)] as const] : []),
    ...(swap !== undefined && !isV1 ? [["MemorySwapMax", number(swap)] as const] : []),
    ...(shares ? [[isV1 ? "CPUShares" : "CPUWeight", number(isV1 ? shares : cpuWeight(shares))] as const] : []),
    ...(quota ? [["CPUQuotaPerSecUSec", number(quotaPerSecond(quota, period))] as const] : []),
    ...(period ? [["CPUQuotaPeriodUSec", number(period)] as const] : []),
    ...(pids ? [["TasksMax", number(pids.limit > 0 ? pids.limit : -1)] as const] : []),
    ...(cpus && !isV1 ? [["AllowedCPUs", { type: "ay", value: bitMask(cpus) }] as const] : []),
    ...(mems && !isV1 ? [["AllowedMemoryNodes", { type: "ay", value: bitMask(mems) }] as const] : []),
    ...(blockIO?.weight && isV1 ? [["BlockIOWeight", number(blockIO.weight)] as const] : []),
  ];
}

/** Files of cgroup v2 whose one number is a property (systemd.resource-control(5)). */
const PROPERTY_OF: Readonly<Record<string, string>> = {
  "cpu.weight": "CPUWeight",
  "memory.high": "MemoryHigh",
  "memory.low": "MemoryLow",
  "memory.max": "MemoryMax",
  "memory.min": "MemoryMin",
  "memory.swap.max": "MemorySwapMax",
  "pids.max": "TasksMax",
};

const MASK_OF: Readonly<Record<string, string>> = { "cpuset.cpus": "AllowedCPUs", "cpuset.mems": "AllowedMemoryNodes" };

/** `linux.resources.unified` is the exact wish: what systemd knows of it counts before the other members. */
function unifiedProperties(unified: Readonly<Record<string, string>>): readonly Property[] {
  return Object.entries(unified).flatMap(([file, text]): readonly Property[] => {
    const value = text.trim();
    if (file === "cpu.max") return quotaProperties(value);
    const [name, mask] = [PROPERTY_OF[file], MASK_OF[file]];
    if (mask !== undefined && /^[\d,-]+$/.test(value)) return [[mask, { type: "ay", value: bitMask(value) }]];
    const limit = limitOf(value);
    return name === undefined || limit === undefined ? [] : [[name, number(limit)]];
  });
}

/** `QUOTA PERIOD`, of which the period may be missing. */
function quotaProperties(text: string): readonly Property[] {
  const [quota = "", period = String(DEFAULT_PERIOD)] = text.split(/\s+/);
  const [limit, length] = [limitOf(quota), limitOf(period)];
  if (limit === undefined || length === undefined || length <= 0) return [];
  return [
    ["CPUQuotaPerSecUSec", number(quotaPerSecond(limit, length))],
    ["CPUQuotaPeriodUSec", number(length)],
  ];
}

/** -1 for `max`; undefined for what is no whole number that arithmetic keeps: the kernel judges it as it stands. */
function limitOf(text: string): number | undefined {
  if (text === "max") return -1;
  return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined;
}

const DEFAULT_PERIOD = 100_000;
/** systemd keeps whole percents of a processor. */
const PERCENT = 10_000;

function quotaPerSecond(quota: number, period: number | undefined): number {
  if (quota < 0) return -1;
  return Math.ceil((quota * 1_000_000) / (period || DEFAULT_PERIOD) / PERCENT) * PERCENT;
}

/** Most processors a kernel is built for (CONFIG_NR_CPUS). */
const MOST = 8192;

/** `0-2,8` as bytes, the lowest first. */
export function bitMask(list: string): readonly number[] {
  const bytes: number[] = [];
  for (const range of list.split(",")) {
    const [first = 0, last = first] = range.split("-").map(Number);
    for (let bit = first; bit <= Math.min(last, MOST); bit++) {
      const at = bit >> 3;
      while (bytes.length <= at) bytes.push(0);
      bytes[at] = (bytes[at] ?? 0) | (1 << (bit & 7));
    }
  }
  return bytes;
}
