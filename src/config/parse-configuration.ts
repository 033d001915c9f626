/**
 * /etc/urunc/config.toml becomes a {@link Configuration}. This is the only file that needs a TOML parser; callers import
 * it when there is a file to read.
 */
import { parse, TomlError } from "smol-toml";
import { MONITOR_KINDS, type MonitorKind } from "../monitors/kinds.ts";
import { editDistance, nearest } from "../nearest.ts";
import { whyNotServer } from "../netlink/name-server.ts";
import { below, type Findings, findings, inShort, isObject, type JsonObject, report } from "../oci/decode.ts";
import { type Result, refusal, success } from "../result.ts";
import {
  ACCELERATOR_CHOICES,
  CONSOLE_CHOICES,
  type Configuration,
  type ContainerBootConfiguration,
  type IdRange,
  LOG_LEVELS,
  MACHINE_CHOICES,
  type MonitorConfiguration,
  NETWORK_MODES,
  type NetworkConfiguration,
  ORDINARY_CHOICES,
  type RuntimeConfiguration,
  SECCOMP_CHOICES,
  type TimestampsConfiguration,
  type VirtiofsdConfiguration,
} from "./configuration.ts";
import { DEFAULT_CONFIGURATION, DEFAULT_CONTAINER_BOOT, DEFAULT_MONITOR, DEFAULT_NETWORK } from "./defaults.ts";
import { readIdRange } from "./read-id-range.ts";

/** MiB: 16 TiB. */
const MOST_MEMORY = 16 * 1024 * 1024;
/** MiB: sizes in an archive have 32 bits. */
const MOST_INITRD = 4095;
const MOST_VCPUS = 1024;
/** Edits up to which an unknown key is a slip for a known one. */
const MOST_SLIPS = 2;

/** One that a guest could reach too. */
const NAME_SERVER = {
  entry: "an IP address that is not a loopback address",
  holds: (text: string): boolean => whyNotServer(text) === undefined,
};
const ABSOLUTE_PATH = { entry: "an absolute path", holds: (text: string): boolean => text.startsWith("/") };

/** Deeper nesting than any configuration has; bounds the parser's recursion. */
const MAX_DEPTH = 16;

/** Tables and keys that other versions of this file have. Accepted, without effect so far. */
const NOT_YET_RUNTIME_KEYS: readonly string[] = ["libcontainer"];
const NOT_YET_MONITOR_KEYS: readonly string[] = ["vhost"];

interface Reading {
  readonly into: Findings;
  readonly warnings: string[];
}

export function parseConfiguration(text: string, path: string): Result<Configuration> {
  const into = findings(path, "invalid-configuration");
  let file: unknown;
  try {
    file = parse(text, { maxDepth: MAX_DEPTH });
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason] = error.message.split("\n");
      report(into, `line ${error.line}, column ${error.column}`, reason ?? "invalid TOML");
    } else {
      report(into, "", `must be TOML: ${error instanceof Error ? error.message : "it cannot be parsed"}`);
    }
    return refusal(into.problems);
  }
  const reading: Reading = { into, warnings: [] };
  const configuration = readFile(reading, isObject(file) ? file : {});
  return into.problems.length > 0 ? refusal(into.problems) : success(configuration, reading.warnings);
}

function readFile(reading: Reading, file: JsonObject): Configuration {
  warnOfOthers(
    reading,
    file,
    "",
    ["log", "timestamps", "runtime", "monitors", "container_boot", "extra_binaries", "network"],
    [],
  );
  const log = table(reading, file, "log", "");
  const monitors = table(reading, file, "monitors", "");
  warnOfOthers(reading, log, "log", ["level", "syslog"], []);
  warnOfOthers(reading, monitors, "monitors", MONITOR_KINDS, []);
  return {
    log: {
      level: oneOf(reading, log, "level", "log", LOG_LEVELS, DEFAULT_CONFIGURATION.log.level),
      syslog: flag(reading, log, "syslog", "log", DEFAULT_CONFIGURATION.log.syslog),
    },
    timestamps: readTimestamps(reading, table(reading, file, "timestamps", "")),
    runtime: readRuntime(reading, table(reading, file, "runtime", "")),
    monitors: {
      qemu: readMonitor(reading, monitors, "qemu"),
      hvt: readMonitor(reading, monitors, "hvt"),
      spt: readMonitor(reading, monitors, "spt"),
      firecracker: readMonitor(reading, monitors, "firecracker"),
      "cloud-hypervisor": readMonitor(reading, monitors, "cloud-hypervisor"),
      "hyperlight-unikraft": readMonitor(reading, monitors, "hyperlight-unikraft"),
      uhyve: readMonitor(reading, monitors, "uhyve"),
    },
    containerBoot: readContainerBoot(reading, table(reading, file, "container_boot", "")),
    virtiofsd: readVirtiofsd(reading, table(reading, file, "extra_binaries", "")),
    network: readNetwork(reading, table(reading, file, "network", "")),
  };
}

function readTimestamps(reading: Reading, timestamps: JsonObject): TimestampsConfiguration {
  const defaults = DEFAULT_CONFIGURATION.timestamps;
  warnOfOthers(reading, timestamps, "timestamps", ["enabled", "destination"], []);
  return {
    enabled: flag(reading, timestamps, "enabled", "timestamps", defaults.enabled),
    destination: absolutePath(reading, timestamps, "destination", "timestamps") || defaults.destination,
  };
}

function readRuntime(reading: Reading, runtime: JsonObject): RuntimeConfiguration {
  const path = "runtime";
  const defaults = DEFAULT_CONFIGURATION.runtime;
  warnOfOthers(
    reading,
    runtime,
    path,
    ["vAccel", "ordinary", "strict", "seccomp", "monitor_uids"],
    NOT_YET_RUNTIME_KEYS,
  );
  const monitorUids = idRange(reading, runtime, "monitor_uids", path);
  return {
    ...(monitorUids === undefined ? {} : { monitorUids }),
    vaccel: flag(reading, runtime, "vAccel", path, defaults.vaccel),
    ordinary: oneOf(reading, runtime, "ordinary", path, ORDINARY_CHOICES, defaults.ordinary),
    strict: flag(reading, runtime, "strict", path, defaults.strict),
    seccomp: oneOf(reading, runtime, "seccomp", path, SECCOMP_CHOICES, defaults.seccomp),
  };
}

function idRange(reading: Reading, parent: JsonObject, key: string, path: string): IdRange | undefined {
  const value = parent[key];
  if (value === undefined || value === "") return undefined;
  const range = typeof value === "string" ? readIdRange(value) : undefined;
  if (range === undefined) report(reading.into, below(path, key), 'must be a range of ids as "200000-265535"', value);
  return range;
}

const MONITOR_KEYS: readonly string[] = ["default_memory_mb", "default_vcpus", "memory_overhead_mb", "path"];
const QEMU_KEYS: readonly string[] = ["data_path", "accel", "machine", "vhost", "console"];
const SOCKET_KEYS: readonly string[] = ["socket_path", "graceful_shutdown", "shutdown_timeout"];
/** Where a monitor listens that is to be asked and has no socket of its own configured. */
const DEFAULT_SOCKET = "/tmp/urunc-vmm-api.sock";
/** Seconds: no caller waits longer for a `kill`. */
const LONGEST_SHUTDOWN = 3600;
const SOCKET_MONITORS: readonly MonitorKind[] = ["qemu", "firecracker", "cloud-hypervisor"];
/** Bytes of a Unix socket's address without its NUL (unix(7)). */
const SOCKET_PATH_LIMIT = 107;

function readMonitor(reading: Reading, monitors: JsonObject, kind: MonitorKind): MonitorConfiguration {
  const path = `monitors.${kind}`;
  const monitor = table(reading, monitors, kind, "monitors");
  const hasSocket = SOCKET_MONITORS.includes(kind);
  const keys = [...MONITOR_KEYS, ...(kind === "qemu" ? QEMU_KEYS : []), ...(hasSocket ? SOCKET_KEYS : [])];
  warnOfOthers(reading, monitor, path, keys, NOT_YET_MONITOR_KEYS);
  const defaults = DEFAULT_MONITOR;
  const socket = hasSocket ? socketPath(reading, monitor, "socket_path", path) : defaults.socketPath;
  const graceful = hasSocket && flag(reading, monitor, "graceful_shutdown", path, defaults.gracefulShutdown);
  return {
    defaultMemoryMb: count(reading, monitor, "default_memory_mb", path, MOST_MEMORY) || defaults.defaultMemoryMb,
    defaultVcpus: count(reading, monitor, "default_vcpus", path, MOST_VCPUS) || defaults.defaultVcpus,
    memoryOverheadMb: count(reading, monitor, "memory_overhead_mb", path, MOST_MEMORY),
    path: absolutePath(reading, monitor, "path", path),
    dataPath: kind === "qemu" ? absolutePath(reading, monitor, "data_path", path).replace(/\/+$/, "") : "",
    vhost: flag(reading, monitor, "vhost", path, defaults.vhost),
    accel: kind === "qemu" ? oneOf(reading, monitor, "accel", path, ACCELERATOR_CHOICES, "auto") : defaults.accel,
    machine: kind === "qemu" ? oneOf(reading, monitor, "machine", path, MACHINE_CHOICES, "auto") : defaults.machine,
    console: kind === "qemu" ? oneOf(reading, monitor, "console", path, CONSOLE_CHOICES, "serial") : defaults.console,
    socketPath: graceful && socket === "" ? DEFAULT_SOCKET : socket,
    gracefulShutdown: graceful,
    shutdownTimeout: hasSocket ? count(reading, monitor, "shutdown_timeout", path, LONGEST_SHUTDOWN) : 0,
  };
}

const CONTAINER_BOOT_KEYS: readonly string[] = ["kernel", "initrd", "directories", "max_initrd_mb", "guest_init"];

function readContainerBoot(reading: Reading, boot: JsonObject): ContainerBootConfiguration {
  const path = "container_boot";
  warnOfOthers(reading, boot, path, CONTAINER_BOOT_KEYS, []);
  return {
    kernel: absolutePath(reading, boot, "kernel", path),
    initrd: absolutePath(reading, boot, "initrd", path),
    directories:
      textList(reading, boot, "directories", path, ABSOLUTE_PATH)?.map((text) => text.replace(/\/+$/, "")) ??
      DEFAULT_CONTAINER_BOOT.directories,
    maxInitrdMb: count(reading, boot, "max_initrd_mb", path, MOST_INITRD) || DEFAULT_CONTAINER_BOOT.maxInitrdMb,
    guestInit: absolutePath(reading, boot, "guest_init", path),
  };
}

function readVirtiofsd(reading: Reading, binaries: JsonObject): VirtiofsdConfiguration {
  warnOfOthers(reading, binaries, "extra_binaries", ["virtiofsd"], []);
  const place = "extra_binaries.virtiofsd";
  const virtiofsd = table(reading, binaries, "virtiofsd", "extra_binaries");
  warnOfOthers(reading, virtiofsd, place, ["path", "options"], []);
  const path = absolutePath(reading, virtiofsd, "path", place);
  const options = own(virtiofsd, "options");
  if (options === undefined) return { path };
  if (typeof options === "string" && !options.includes("\0")) {
    return { path, options: options.split(/\s+/).filter((word) => word !== "") };
  }
  report(reading.into, below(place, "options"), "must be a text of words between blanks", options);
  return { path };
}

function readNetwork(reading: Reading, network: JsonObject): NetworkConfiguration {
  const path = "network";
  warnOfOthers(reading, network, path, ["mode", "dns"], []);
  return {
    mode: oneOf(reading, network, "mode", path, NETWORK_MODES, DEFAULT_NETWORK.mode),
    dns: textList(reading, network, "dns", path, NAME_SERVER) ?? [],
  };
}

/** Undefined when absent; an entry that is wrong is named by its place, from 0. */
function textList(
  reading: Reading,
  parent: JsonObject,
  key: string,
  path: string,
  demand: { readonly entry: string; readonly holds: (text: string) => boolean },
): readonly string[] | undefined {
  const value = own(parent, key);
  if (value === undefined) return undefined;
  const place = below(path, key);
  if (!Array.isArray(value)) {
    report(reading.into, place, `must be a list, each entry ${demand.entry}`, value);
    return [];
  }
  const entries: readonly unknown[] = value;
  return entries.filter((entry, index): entry is string => {
    if (typeof entry === "string" && demand.holds(entry)) return true;
    report(reading.into, below(place, index), `must be ${demand.entry}`, entry);
    return false;
  });
}

function table(reading: Reading, parent: JsonObject, key: string, path: string): JsonObject {
  const value = own(parent, key);
  if (value === undefined) return {};
  if (isObject(value)) return value;
  report(reading.into, below(path, key), "must be a table", value);
  return {};
}

/** TOML may define any name; those of Object.prototype are nobody's values. */
function own(parent: JsonObject, key: string): unknown {
  return Object.hasOwn(parent, key) ? parent[key] : undefined;
}

/** 0 stands for the default. */
function count(reading: Reading, parent: JsonObject, key: string, path: string, most: number): number {
  const value = own(parent, key);
  if (value === undefined) return 0;
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value;
  report(reading.into, below(path, key), `must be an integer from 0 to ${most}`, value);
  return 0;
}

function flag(reading: Reading, parent: JsonObject, key: string, path: string, otherwise: boolean): boolean {
  const value = own(parent, key);
  if (value === undefined) return otherwise;
  if (typeof value === "boolean") return value;
  report(reading.into, below(path, key), "must be true or false", value);
  return otherwise;
}

/** Empty when absent or empty. */
function absolutePath(reading: Reading, parent: JsonObject, key: string, path: string): string {
  const value = own(parent, key);
  if (value === undefined || value === "") return "";
  if (typeof value === "string" && value.startsWith("/") && !value.includes("\0")) return value;
  report(reading.into, below(path, key), "must be an absolute path", value);
  return "";
}

/** Nothing else of the monitor's root can be written to than /tmp. Empty when absent or empty. */
function socketPath(reading: Reading, parent: JsonObject, key: string, path: string): string {
  const value = own(parent, key);
  if (value === undefined || value === "") return "";
  const isFine = typeof value === "string" && /^\/tmp\/[\w.,+-]+$/.test(value) && !/^\/tmp\/\.\.?$/.test(value);
  if (isFine && value.length <= SOCKET_PATH_LIMIT) return value;
  const demand = `must be /tmp/NAME, at most ${SOCKET_PATH_LIMIT} characters, letters, digits and . _ , + - in NAME`;
  report(reading.into, below(path, key), demand, value);
  return "";
}

function oneOf<T extends string>(
  reading: Reading,
  parent: JsonObject,
  key: string,
  path: string,
  choices: readonly T[],
  otherwise: T,
): T {
  const value = own(parent, key);
  if (value === undefined) return otherwise;
  const choice = choices.find((one) => one === value);
  if (choice !== undefined) return choice;
  report(reading.into, below(path, key), `must be one of ${choices.join(", ")}`, value);
  return otherwise;
}

function warnOfOthers(
  reading: Reading,
  value: JsonObject,
  path: string,
  known: readonly string[],
  notYet: readonly string[],
): void {
  for (const key of Object.keys(value)) {
    if (known.includes(key)) continue;
    const reason = notYet.includes(key) ? "has no effect yet" : `is not known and has no effect${meant(key, known)}`;
    reading.warnings.push(`${reading.into.file}: ${below(path, /^[\w-]+$/.test(key) ? key : inShort(key))}: ${reason}`);
  }
}

function meant(key: string, known: readonly string[]): string {
  const guess = nearest(key, known);
  if (guess === undefined || editDistance(key.slice(0, guess.length + MOST_SLIPS + 1), guess) > MOST_SLIPS) return "";
  return `: did you mean ${guess}?`;
}
