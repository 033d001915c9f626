/** `linux` of config.json (runtime-spec, config-linux.md), as far as a unikernel container uses it. */
import {
  below,
  entriesIn,
  type Findings,
  integerIn,
  isObject,
  type JsonObject,
  listIn,
  objectIn,
  report,
  requiredTextIn,
  textIn,
} from "./decode.ts";
import { parsePersonality, parseTimeOffsets, unusedMembers } from "./parse-domains.ts";
import { parseResources } from "./parse-resources.ts";
import type { CpuResources } from "./resources.ts";
import { type IdMapping, NAMESPACE_TYPES, type Namespace, type NamespaceType, type Spec } from "./spec.ts";

const PROPAGATIONS: readonly string[] = [
  "private",
  "rprivate",
  "slave",
  "rslave",
  "shared",
  "rshared",
  "unbindable",
  "runbindable",
];

/** Microseconds. */
const DEFAULT_PERIOD = 100_000;

export function parseLinux(into: Findings, config: JsonObject): Spec["linux"] {
  const linux = objectIn(into, config, "linux", "") ?? {};
  const given = objectIn(into, linux, "resources", "linux");
  const resources = given && parseResources(into, given, "linux.resources");
  const memoryLimit = resources?.memory?.limit ?? 0;
  const cpuLimit = cpuLimitOf(resources?.cpu);
  const cgroupsPath = textIn(into, linux, "cgroupsPath", "linux");
  const personality = parsePersonality(into, linux);
  const timeOffsets = parseTimeOffsets(into, linux);
  const unused = unusedMembers(linux);
  const deviceNodes = parseDeviceNodes(into, linux);
  const rootfsPropagation = textIn(into, linux, "rootfsPropagation", "linux");
  if (rootfsPropagation && !PROPAGATIONS.includes(rootfsPropagation)) {
    report(into, "linux.rootfsPropagation", `must be one of ${PROPAGATIONS.join(", ")}`, rootfsPropagation);
  }
  return {
    namespaces: parseNamespaces(into, linux),
    uidMappings: parseMappings(into, linux, "uidMappings"),
    gidMappings: parseMappings(into, linux, "gidMappings"),
    ...(memoryLimit > 0 ? { memoryLimit } : {}),
    ...(cpuLimit === undefined ? {} : { cpuLimit }),
    ...parseSeccomp(into, linux),
    sysctl: parseSysctl(into, linux),
    ...(cgroupsPath ? { cgroupsPath } : {}),
    ...(resources === undefined ? {} : { resources }),
    ...(rootfsPropagation ? { rootfsPropagation } : {}),
    ...(personality === undefined ? {} : { personality }),
    ...(timeOffsets === undefined ? {} : { timeOffsets }),
    ...(deviceNodes.length === 0 ? {} : { deviceNodes }),
    ...(unused.length === 0 ? {} : { unused }),
  };
}

function parseSysctl(into: Findings, linux: JsonObject): Readonly<Record<string, string>> {
  const sysctl = objectIn(into, linux, "sysctl", "linux") ?? {};
  const entries = Object.keys(sysctl).map((name) => [name, requiredTextIn(into, sysctl, name, "linux.sysctl") ?? ""]);
  return Object.fromEntries(entries);
}

/** Its rules are for programs of containers: only that it is there counts. */
function parseSeccomp(into: Findings, linux: JsonObject): Pick<Spec["linux"], "seccomp" | "seccompListener"> {
  const profile = objectIn(into, linux, "seccomp", "linux");
  if (profile === undefined) return { seccomp: false };
  const listener = textIn(into, profile, "listenerPath", "linux.seccomp");
  return { seccomp: true, ...(listener ? { seccompListener: true } : {}) };
}

/** A quota that is not positive means that there is none; a period of 0 is the kernel's own (sched-bwc: 100 ms). */
function cpuLimitOf(cpu: CpuResources | undefined): Spec["linux"]["cpuLimit"] {
  const { quota = 0, period } = cpu ?? {};
  return quota > 0 ? { quota, period: period || DEFAULT_PERIOD } : undefined;
}

/** Known types, each at most once (runtime-spec: duplicates MUST be an error), paths absolute. */
/** What else is said of a node is runc's business: a guest gets none of the host's. */
function parseDeviceNodes(into: Findings, linux: JsonObject): readonly string[] {
  return entriesIn(into, linux, "devices", "linux").flatMap(
    ({ entry, place }) => requiredTextIn(into, entry, "path", place) ?? [],
  );
}

function parseNamespaces(into: Findings, linux: JsonObject): readonly Namespace[] {
  const namespaces: Namespace[] = [];
  listIn(into, linux, "namespaces", "linux").forEach((entry, index) => {
    const place = below("linux.namespaces", index);
    if (!isObject(entry)) {
      report(into, place, "must be an object", entry);
      return;
    }
    const name = requiredTextIn(into, entry, "type", place);
    if (name === undefined) return;
    const type = namespaceType(name);
    if (type === undefined) {
      report(into, below(place, "type"), `must be one of ${NAMESPACE_TYPES.join(", ")}`, name);
      return;
    }
    if (namespaces.some((other) => other.type === type)) {
      report(into, below(place, "type"), "is given twice", name);
      return;
    }
    const path = textIn(into, entry, "path", place);
    if (path && !path.startsWith("/")) report(into, below(place, "path"), "must be an absolute path", path);
    namespaces.push(path ? { type, path } : { type });
  });
  return namespaces;
}

function namespaceType(name: string): NamespaceType | undefined {
  return NAMESPACE_TYPES.find((type) => type === name);
}

function parseMappings(into: Findings, linux: JsonObject, key: string): readonly IdMapping[] {
  const mappings: IdMapping[] = [];
  listIn(into, linux, key, "linux").forEach((entry, index) => {
    const path = below(`linux.${key}`, index);
    if (!isObject(entry)) {
      report(into, path, "must be an object", entry);
      return;
    }
    const containerID = integerIn(into, entry, "containerID", path, 0, 4294967295);
    const hostID = integerIn(into, entry, "hostID", path, 0, 4294967295);
    const size = integerIn(into, entry, "size", path, 0, 4294967295);
    if (containerID !== undefined && hostID !== undefined && size !== undefined) {
      mappings.push({ containerID, hostID, size });
    } else {
      report(into, path, "must have containerID, hostID and size");
    }
  });
  return mappings;
}
