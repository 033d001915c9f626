/** What `update` was asked to change, out of its options or a file, checked against what a virtual machine can do. */
import { findings, isObject, type JsonObject, report } from "../oci/decode.ts";
import { parseResources } from "../oci/parse-resources.ts";
import type { MemoryResources, Resources } from "../oci/resources.ts";
import { type Result, refusal, success } from "../result.ts";

type Kind = "number" | "size" | "text";

/** Options of `update`, the member each sets, and how its value is written. */
const OPTIONS: Readonly<Record<string, readonly [table: string, member: string, kind: Kind]>> = {
  "blkio-weight": ["blockIO", "weight", "number"],
  "cpu-period": ["cpu", "period", "number"],
  "cpu-quota": ["cpu", "quota", "number"],
  "cpu-burst": ["cpu", "burst", "number"],
  "cpu-share": ["cpu", "shares", "number"],
  "cpu-rt-period": ["cpu", "realtimePeriod", "number"],
  "cpu-rt-runtime": ["cpu", "realtimeRuntime", "number"],
  "cpuset-cpus": ["cpu", "cpus", "text"],
  "cpuset-mems": ["cpu", "mems", "text"],
  "cpu-idle": ["cpu", "idle", "number"],
  memory: ["memory", "limit", "size"],
  "memory-reservation": ["memory", "reservation", "size"],
  "memory-swap": ["memory", "swap", "size"],
  "pids-limit": ["pids", "limit", "number"],
};

/** The options' values as the JSON of a file would have them; what is no number stays text and is refused as such. */
export function resourcesOfOptions(text: (option: string) => string | undefined): JsonObject {
  const resources: Record<string, Record<string, unknown>> = {};
  for (const option in OPTIONS) {
    const value = text(option);
    const place = OPTIONS[option];
    if (value === undefined || place === undefined) continue;
    const [table, member, kind] = place;
    resources[table] = { ...resources[table], [member]: kind === "text" ? value : (sizeOf(value, kind) ?? value) };
  }
  return resources;
}

const UNITS = "bkmgtp";

/** `512m` in bytes; sizes are multiples of 1024, as in runc. */
function sizeOf(text: string, kind: Kind): number | undefined {
  const match = /^(-1|\d+)([bkmgtp]?)b?$/i.exec(text.trim());
  const [, digits = "", unit = ""] = match ?? [];
  if (match === null || (unit !== "" && (kind !== "size" || digits === "-1"))) return undefined;
  return Number(digits) * 1024 ** Math.max(0, UNITS.indexOf(unit.toLowerCase() || "b"));
}

/**
 * @param source what findings call the input.
 * @param guestMemory bytes.
 * @param bundleLimit what the bundle had asked for, of which the guest got what its monitor can give: whoever repeats it changes
 * nothing.
 */
export function parseUpdate(
  value: unknown,
  source: string,
  guestMemory: number,
  bundleLimit = guestMemory,
): Result<Resources> {
  const into = findings(source, "invalid-resources");
  if (!isObject(value)) {
    report(into, "", "must be a JSON object", value);
    return refusal(into.problems);
  }
  // Which devices the monitor may open is decided at create, as in runc.
  const { devices: _, ...resources } = parseResources(into, value, "");
  const limit = resources.memory?.limit ?? 0;
  if (limit > 0 && limit !== guestMemory && limit !== bundleLimit) {
    const how = limit > guestMemory ? "cannot grow" : "cannot shrink, and the guest would be killed for using it";
    const message = `${source}: memory.limit: the guest was given ${guestMemory} bytes at create, which ${how}: ask for ${guestMemory}, for -1, or create the container anew`;
    return refusal([...into.problems, { code: "guest-memory", message }]);
  }
  if (into.problems.length > 0) return refusal(into.problems);
  const memory = resources.memory && withLimit(resources.memory, guestMemory);
  return success({ ...resources, ...(memory && { memory }) });
}

/** cgroup v2 has a limit of swap alone, which is the difference to this one. */
function withLimit(memory: MemoryResources, guestMemory: number): MemoryResources {
  return (memory.swap ?? 0) > 0 && !memory.limit ? { ...memory, limit: guestMemory } : memory;
}
