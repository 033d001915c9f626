/** `process` of config.json (runtime-spec, config.md, section "Process"). */
import { cleanPath } from "./clean-path.ts";
import {
  below,
  booleanIn,
  type Findings,
  integerIn,
  integerOf,
  isObject,
  type JsonObject,
  listIn,
  objectIn,
  report,
  requiredTextIn,
  textIn,
  textsIn,
} from "./decode.ts";
import { parseIoPriority, parseScheduler } from "./parse-scheduling.ts";
import type { Rlimit, Spec } from "./spec.ts";

/** The greatest uid and gid: the one above means "leave as it is" in setresuid(2). */
const GREATEST_ID = 4294967294;

/** Resources of getrlimit(2). */
const RLIMITS: readonly string[] = [
  "RLIMIT_AS",
  "RLIMIT_CORE",
  "RLIMIT_CPU",
  "RLIMIT_DATA",
  "RLIMIT_FSIZE",
  "RLIMIT_LOCKS",
  "RLIMIT_MEMLOCK",
  "RLIMIT_MSGQUEUE",
  "RLIMIT_NICE",
  "RLIMIT_NOFILE",
  "RLIMIT_NPROC",
  "RLIMIT_RSS",
  "RLIMIT_RTPRIO",
  "RLIMIT_RTTIME",
  "RLIMIT_SIGPENDING",
  "RLIMIT_STACK",
];

/** RLIM_INFINITY as a JSON number: 2^64 - 1, which a double holds as 2^64. */
const RLIMIT_MOST = 2 ** 64;

export function parseProcess(into: Findings, value: JsonObject): Spec["process"] {
  const terminal = booleanIn(into, value, "terminal", "process");
  const consoleSize = terminal ? parseConsoleSize(into, value) : undefined;
  const oomScoreAdj = integerIn(into, value, "oomScoreAdj", "process", -1000, 1000);
  const apparmorProfile = parseLabel(into, value, "apparmorProfile");
  const selinuxLabel = parseLabel(into, value, "selinuxLabel");
  const scheduler = parseScheduler(into, value);
  const ioPriority = parseIoPriority(into, value);
  return {
    terminal,
    ...(consoleSize === undefined ? {} : { consoleSize }),
    args: textsIn(into, value, "args", "process"),
    env: parseEnvironment(into, value, "process"),
    cwd: parseWorkingDirectory(into, value),
    user: parseUser(into, value),
    capabilities: parseCapabilities(into, value),
    rlimits: parseRlimits(into, value),
    ...(oomScoreAdj === undefined ? {} : { oomScoreAdj }),
    ...(apparmorProfile ? { apparmorProfile } : {}),
    ...(selinuxLabel ? { selinuxLabel } : {}),
    ...(scheduler === undefined ? {} : { scheduler }),
    ...(ioPriority === undefined ? {} : { ioPriority }),
  };
}

/** A bundle without them has none, as for runc. */
function parseCapabilities(into: Findings, process: JsonObject): readonly string[] {
  const sets = objectIn(into, process, "capabilities", "process");
  if (sets === undefined) return [];
  const bounding = new Set(textsIn(into, sets, "bounding", "process.capabilities"));
  return textsIn(into, sets, "effective", "process.capabilities").filter((name) => bounding.has(name));
}

/** It becomes one line for the kernel. */
function parseLabel(into: Findings, process: JsonObject, key: "apparmorProfile" | "selinuxLabel"): string | undefined {
  const label = textIn(into, process, key, "process");
  if (label !== undefined && /[\n\0]/.test(label)) report(into, `process.${key}`, "must be one line", label);
  return label;
}

/** `env` of a process or hook: every entry is NAME=VALUE. */
export function parseEnvironment(into: Findings, parent: JsonObject, path: string): readonly string[] {
  const entries = textsIn(into, parent, "env", path);
  entries.forEach((entry, index) => {
    if (entry.indexOf("=") < 1) report(into, below(below(path, "env"), index), "must be NAME=VALUE", entry);
  });
  return entries;
}

/** The terminal's size is ignored without a terminal (runtime-spec), so it is looked at only with one. */
function parseConsoleSize(into: Findings, process: JsonObject): Spec["process"]["consoleSize"] {
  const size = objectIn(into, process, "consoleSize", "process");
  if (size === undefined) return undefined;
  const path = "process.consoleSize";
  const width = integerIn(into, size, "width", path, 0, 65535);
  const height = integerIn(into, size, "height", path, 0, 65535);
  return width === undefined || height === undefined ? undefined : { width, height };
}

/**
 * Absolute, as the runtime-spec demands, and not below /proc: a directory reached through a leaked descriptor there
 * lies outside the container (CVE-2024-21626).
 */
function parseWorkingDirectory(into: Findings, process: JsonObject): string {
  const cwd = requiredTextIn(into, process, "cwd", "process");
  if (cwd === undefined) return "/";
  if (!cwd.startsWith("/")) {
    report(into, "process.cwd", "must be an absolute path", cwd);
    return "/";
  }
  const clean = cleanPath(cwd);
  if (clean === "/proc" || clean.startsWith("/proc/")) report(into, "process.cwd", "must not be below /proc", cwd);
  return cwd;
}

/** Ids are numbers of the configuration, never names looked up in the image (CVE-2026-30892). */
function parseUser(into: Findings, process: JsonObject): Spec["process"]["user"] {
  const user = objectIn(into, process, "user", "process");
  if (user === undefined) return { uid: 0, gid: 0, additionalGids: [] };
  const path = "process.user";
  const umask = integerIn(into, user, "umask", path, 0, 0o777);
  const groups = listIn(into, user, "additionalGids", path);
  const additionalGids: number[] = [];
  groups.forEach((entry, index) => {
    const gid = integerOf(into, entry, below(`${path}.additionalGids`, index), 0, GREATEST_ID);
    if (gid !== undefined) additionalGids.push(gid);
  });
  return {
    uid: requiredId(into, user, "uid"),
    gid: requiredId(into, user, "gid"),
    additionalGids,
    ...(umask === undefined ? {} : { umask }),
  };
}

function requiredId(into: Findings, user: JsonObject, key: string): number {
  if (user[key] === undefined) report(into, below("process.user", key), "is missing");
  return integerIn(into, user, key, "process.user", 0, GREATEST_ID) ?? 0;
}

/** Names are those of getrlimit(2), each at most once (runtime-spec: duplicates MUST be an error). */
function parseRlimits(into: Findings, process: JsonObject): readonly Rlimit[] {
  const rlimits: Rlimit[] = [];
  const seen = new Set<string>();
  listIn(into, process, "rlimits", "process").forEach((entry, index) => {
    const path = below("process.rlimits", index);
    if (!isObject(entry)) {
      report(into, path, "must be an object", entry);
      return;
    }
    const type = requiredTextIn(into, entry, "type", path) ?? "";
    const soft = integerIn(into, entry, "soft", path, 0, RLIMIT_MOST);
    const hard = integerIn(into, entry, "hard", path, 0, RLIMIT_MOST);
    if (!RLIMITS.includes(type)) {
      report(into, below(path, "type"), "must be the name of a resource limit such as RLIMIT_NOFILE", entry["type"]);
    } else if (seen.has(type)) {
      report(into, below(path, "type"), "is given twice", type);
    } else if (soft === undefined || hard === undefined) {
      if (entry["soft"] === undefined) report(into, below(path, "soft"), "is missing");
      if (entry["hard"] === undefined) report(into, below(path, "hard"), "is missing");
    } else {
      seen.add(type);
      rlimits.push({ type, soft: limitOf(soft), hard: limitOf(hard) });
    }
  });
  return rlimits;
}

/** No program writes a limit of half the range but RLIM_INFINITY, and no double holds one exactly. */
function limitOf(value: number): number {
  return value >= 2 ** 63 ? -1 : value;
}
