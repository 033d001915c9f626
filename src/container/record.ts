import { RuntimeFailure } from "../failure.ts";
import type { Hook } from "../oci/spec.ts";
import type { MonitorControl } from "../plan/launch-plan.ts";

/**
 * What `state.json` holds of a container: the runtime-spec's state object and, below `urunc`, what we need to know
 * again. Other programs read the file, so the standard members are at the top.
 */
export interface ContainerRecord {
  readonly ociVersion: string;
  readonly id: string;
  /** Last status that was written; the true one is computed from the process (status.ts). */
  readonly status: "creating" | "created" | "running";
  /** Pid of the container's process in the runtime's pid namespace. */
  readonly pid: number;
  readonly bundle: string;
  readonly rootfs: string;
  /** RFC 3339, UTC. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly urunc: {
    /** Start time of the process in clock ticks since boot (proc(5), stat field 22). */
    readonly startTime: number;
    /** Inode of the process's pidfds (Linux 6.9 and newer). */
    readonly inode?: number;
    readonly poststart: readonly Hook[];
    readonly poststop: readonly Hook[];
    /** How to ask the monitor for the guest's end; absent: signals are all there is. */
    readonly control?: MonitorControl;
    /** There is neither a pid namespace nor a cgroup that its processes end with: see marked.ts. */
    readonly isMarked?: true;
    /** File that timestamps are appended to. */
    readonly timestamps?: string;
    /** The log of its verbs goes to journald or syslog, too. */
    readonly syslog?: boolean;
    /** The monitor's own uid and gid, and the path it has them by. */
    readonly monitorUser?: { readonly id: number; readonly container: string };
  };
}

/**
 * The record in a state file; undefined when the file is one of runc's.
 *
 * @throws RuntimeFailure `bad-state` for a file that is neither.
 */
export function parseRecord(text: string, path: string): ContainerRecord | undefined {
  const value = parseObject(text, path);
  if (!isObject(value.urunc) && "init_process_pid" in value) return undefined;
  if (!isRecord(value)) throw badState(path, "a member is missing or has the wrong type");
  return value;
}

function parseObject(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw badState(path, "it is no JSON object");
}

function isRecord(value: object): value is ContainerRecord {
  const texts = ["ociVersion", "id", "status", "bundle", "rootfs", "created"];
  if (!texts.every((name) => typeof Reflect.get(value, name) === "string")) return false;
  const urunc: unknown = Reflect.get(value, "urunc");
  return (
    isObject(urunc) &&
    isCount(Reflect.get(value, "pid")) &&
    isObject(Reflect.get(value, "annotations")) &&
    isCount(urunc.startTime) &&
    (urunc.inode === undefined || isCount(urunc.inode)) &&
    Array.isArray(urunc.poststart) &&
    Array.isArray(urunc.poststop) &&
    isTextOrAbsent(urunc.timestamps) &&
    (urunc.syslog === undefined || typeof urunc.syslog === "boolean") &&
    (urunc.monitorUser === undefined || isMonitorUser(urunc.monitorUser)) &&
    (urunc.isMarked === undefined || urunc.isMarked === true) &&
    (urunc.control === undefined || isControl(urunc.control))
  );
}

function isControl(value: unknown): boolean {
  return (
    isObject(value) && ["protocol", "socket"].every((name) => typeof value[name] === "string") && isCount(value.timeout)
  );
}

function isMonitorUser(value: unknown): boolean {
  return isObject(value) && isCount(value.id) && typeof value.container === "string";
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === "string";
}

function isCount(value: unknown): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A state file that cannot be used. */
export function badState(path: string, reason: string): RuntimeFailure {
  return new RuntimeFailure(
    "bad-state",
    `State file ${path} cannot be read: ${reason}: remove the container with 'delete --force'`,
    { kind: "system" },
  );
}
