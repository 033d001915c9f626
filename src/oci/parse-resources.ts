/** `linux.resources`, and what `update --resources` reads, as typed values. */
import {
  below,
  booleanIn,
  entriesIn,
  type Findings,
  integerIn,
  type JsonObject,
  objectIn,
  report,
  requiredTextIn,
  textIn,
} from "./decode.ts";
import {
  type BlockIoResources,
  type CpuResources,
  type DeviceRule,
  type MemoryResources,
  type Resources,
  THROTTLES,
} from "./resources.ts";

/** Limits are int64 or uint64 in the specification. */
const INT64 = 2 ** 63;
const UINT64 = 2 ** 64;
const UINT32 = 2 ** 32 - 1;

/** The resources at `path`; findings go to `into`. */
export function parseResources(into: Findings, resources: JsonObject, path: string): Resources {
  const devices = parseDevices(into, resources, path);
  const memory = objectIn(into, resources, "memory", path);
  const cpu = objectIn(into, resources, "cpu", path);
  const pids = objectIn(into, resources, "pids", path);
  const pidsLimit = pids && integerIn(into, pids, "limit", below(path, "pids"), -INT64, INT64);
  const blockIO = objectIn(into, resources, "blockIO", path);
  const hugepageLimits = parseHugepages(into, resources, path);
  const network = objectIn(into, resources, "network", path);
  const rdma = objectIn(into, resources, "rdma", path);
  const unified = objectIn(into, resources, "unified", path);
  return {
    ...(devices.length === 0 ? {} : { devices }),
    ...(memory && { memory: parseMemory(into, memory, below(path, "memory")) }),
    ...(cpu && { cpu: parseCpu(into, cpu, below(path, "cpu")) }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
    ...(blockIO && { blockIO: parseBlockIo(into, blockIO, below(path, "blockIO")) }),
    ...(hugepageLimits.length === 0 ? {} : { hugepageLimits }),
    ...(network && { network: parseNetwork(into, network, below(path, "network")) }),
    ...(rdma && { rdma: parseRdma(into, rdma, below(path, "rdma")) }),
    ...(unified && { unified: parseUnified(into, unified, below(path, "unified")) }),
  };
}

/** The members that are integers; absent ones stay absent. */
function integers<K extends string>(
  into: Findings,
  parent: JsonObject,
  path: string,
  bounds: Readonly<Record<K, readonly [least: number, most: number]>>,
): Partial<Record<K, number>> {
  const values: Partial<Record<K, number>> = {};
  for (const key in bounds) {
    const [least, most] = bounds[key];
    const value = integerIn(into, parent, key, path, least, most);
    if (value !== undefined) values[key] = value;
  }
  return values;
}

/** The entries of a list of objects. */
function parseDevices(into: Findings, resources: JsonObject, path: string): readonly DeviceRule[] {
  return entriesIn(into, resources, "devices", path).flatMap(({ entry, place }): readonly DeviceRule[] => {
    const type = textIn(into, entry, "type", place) || "a";
    if (type !== "a" && type !== "b" && type !== "c") {
      report(into, below(place, "type"), "must be a, b or c", type);
      return [];
    }
    // Not everything by default: a rule that was cut short would give every device (runc refuses it too).
    const access = textIn(into, entry, "access", place) ?? "";
    if (!/^[rwm]{1,3}$/.test(access)) report(into, below(place, "access"), "must be a mix of r, w and m", access);
    const { major, minor } = integers(into, entry, place, { major: [-1, UINT32], minor: [-1, UINT32] });
    return [
      {
        allow: booleanIn(into, entry, "allow", place),
        type,
        ...(major === undefined || major < 0 ? {} : { major }),
        ...(minor === undefined || minor < 0 ? {} : { minor }),
        access,
      },
    ];
  });
}

function parseMemory(into: Findings, memory: JsonObject, path: string): MemoryResources {
  return {
    ...integers(into, memory, path, {
      limit: [-INT64, INT64],
      reservation: [-INT64, INT64],
      swap: [-INT64, INT64],
      swappiness: [0, 200],
    }),
    ...(booleanIn(into, memory, "disableOOMKiller", path) ? { disableOOMKiller: true } : {}),
  };
}

function parseCpu(into: Findings, cpu: JsonObject, path: string): CpuResources {
  return {
    ...integers(into, cpu, path, {
      shares: [0, UINT64],
      quota: [-INT64, INT64],
      burst: [0, UINT64],
      period: [0, UINT64],
      realtimeRuntime: [-INT64, INT64],
      realtimePeriod: [0, UINT64],
      idle: [0, 1],
    }),
    ...setIn(into, cpu, "cpus", path),
    ...setIn(into, cpu, "mems", path),
  };
}

/** A list of processors or memory nodes as the kernel reads it: `0-3,7`. */
function setIn<K extends string>(into: Findings, parent: JsonObject, key: K, path: string): Partial<Record<K, string>> {
  const value = textIn(into, parent, key, path);
  const found: Partial<Record<K, string>> = {};
  if (!value) return found;
  if (!/^\d+(-\d+)?(,\d+(-\d+)?)*$/.test(value)) report(into, below(path, key), "must be a list such as 0-3,7", value);
  found[key] = value;
  return found;
}

function parseBlockIo(into: Findings, blockIO: JsonObject, path: string): BlockIoResources {
  const numbers = { major: [0, UINT32], minor: [0, UINT32] } as const;
  const weights = { weight: [0, 1000], leafWeight: [0, 1000] } as const;
  const weightDevice = entriesIn(into, blockIO, "weightDevice", path).map(({ entry, place }) => {
    const { major = 0, minor = 0 } = integers(into, entry, place, numbers);
    return { major, minor, ...integers(into, entry, place, weights) };
  });
  const throttles: { -readonly [K in keyof BlockIoResources]: BlockIoResources[K] } = {};
  for (const key of THROTTLES) {
    const devices = entriesIn(into, blockIO, key, path).map(({ entry, place }) => {
      const { major = 0, minor = 0, rate = 0 } = integers(into, entry, place, { ...numbers, rate: [0, UINT64] });
      return { major, minor, rate };
    });
    if (devices.length > 0) throttles[key] = devices;
  }
  return {
    ...integers(into, blockIO, path, weights),
    ...(weightDevice.length === 0 ? {} : { weightDevice }),
    ...throttles,
  };
}

function parseHugepages(into: Findings, resources: JsonObject, path: string) {
  return entriesIn(into, resources, "hugepageLimits", path).flatMap(({ entry, place }) => {
    const pageSize = requiredTextIn(into, entry, "pageSize", place) ?? "";
    // It becomes part of a file's name.
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize)) report(into, below(place, "pageSize"), "must be a size as 2MB", pageSize);
    const limit = integerIn(into, entry, "limit", place, 0, UINT64);
    return limit === undefined ? [] : [{ pageSize, limit }];
  });
}

function parseNetwork(into: Findings, network: JsonObject, path: string): NonNullable<Resources["network"]> {
  const priorities = entriesIn(into, network, "priorities", path).map(({ entry, place }) => {
    const name = requiredTextIn(into, entry, "name", place) ?? "";
    if (!/^[^\s/]{1,15}$/.test(name)) report(into, below(place, "name"), "must be the name of an interface", name);
    return { name, priority: integerIn(into, entry, "priority", place, 0, UINT32) ?? 0 };
  });
  return {
    ...integers(into, network, path, { classID: [0, UINT32] }),
    ...(priorities.length === 0 ? {} : { priorities }),
  };
}

function parseRdma(into: Findings, rdma: JsonObject, path: string): NonNullable<Resources["rdma"]> {
  const limits: [string, { hcaHandles?: number; hcaObjects?: number }][] = [];
  for (const device of Object.keys(rdma)) {
    const place = below(path, device);
    if (!/^[\w.-]+$/.test(device)) report(into, path, "must name devices", device);
    const limit = objectIn(into, rdma, device, path);
    if (limit === undefined) continue;
    limits.push([device, integers(into, limit, place, { hcaHandles: [0, UINT32], hcaObjects: [0, UINT32] })]);
  }
  return Object.fromEntries(limits);
}

/** Keys are names of files in the cgroup's directory: never a path. */
function parseUnified(into: Findings, unified: JsonObject, path: string): Readonly<Record<string, string>> {
  const values: [string, string][] = [];
  for (const key of Object.keys(unified)) {
    // Those of cgroup.* are ours: by cgroup.procs processes of others would be drawn in.
    if (!/^[a-z]\w*\.[\w.]+$/.test(key) || key.startsWith("cgroup.")) {
      report(into, path, "must have names of a controller's files, such as memory.high, as keys", key);
    }
    const value = textIn(into, unified, key, path);
    if (value !== undefined) values.push([key, value]);
  }
  return Object.fromEntries(values);
}
