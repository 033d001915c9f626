// What can be seen on the host: processes, mounts, cgroups, directories.
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOURCE } from "./paths.ts";

interface ProcessStatus {
  readonly pid: number;
  readonly parent: number;
  /** One letter, as in /proc/PID/stat. */
  readonly state: string;
  readonly startTime: string;
  readonly name: string;
}

/** undefined when there is no such process. */
export function processStatus(pid: number): ProcessStatus | undefined {
  let line: string;
  try {
    line = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  const close = line.lastIndexOf(")");
  const fields = line.slice(close + 2).split(" ");
  return {
    pid,
    parent: Number(fields[1]),
    state: fields[0] ?? "?",
    startTime: fields[19] ?? "",
    name: line.slice(line.indexOf("(") + 1, close),
  };
}

/** True as long as the process runs; a zombie does not. */
export function isAlive(pid: number): boolean {
  const state = processStatus(pid)?.state;
  return state !== undefined && state !== "Z" && state !== "X";
}

export function commandLine(pid: number): readonly string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
}

export function namespaceOf(pid: number | "self", kind: string): string {
  return readlinkSync(`/proc/${pid}/ns/${kind}`);
}

function processes(): readonly ProcessStatus[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((name) => processStatus(Number(name)) ?? []);
}

/** Processes below `ancestor`, without it and without those below `without`. */
export function descendants(ancestor: number, without: readonly number[] = []): readonly ProcessStatus[] {
  const all = new Map(processes().map((entry) => [entry.pid, entry]));
  const below = (entry: ProcessStatus): boolean => {
    for (let at: ProcessStatus | undefined = entry; at !== undefined; at = all.get(at.parent)) {
      if (without.includes(at.pid)) {
        return false;
      }
      if (at.parent === ancestor) {
        return true;
      }
    }
    return false;
  };
  return [...all.values()].filter(below);
}

/** What is mounted where, in the order of the kernel, without the numbers that change. */
export function mounts(): readonly string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "));
}

function directoriesBelow(directory: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
  return names.flatMap((name) => [name, ...directoriesBelow(name)]);
}

/** All cgroups of this run, whose hierarchies begin at its own (script/lib/own-cgroups). */
export function cgroups(): readonly string[] {
  return [...directoriesBelow("/sys/fs/cgroup")].sort();
}

/** Names in a directory; none when it does not exist. */
export function names(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory).sort() : [];
}

/** Names of the open descriptors' targets. */
export function openFiles(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  return readdirSync(directory).map((fd) => readlinkSync(join(directory, fd)));
}

/**
 * Backing file of each loop device that has one, but for those of others on the machine: their files are there and in
 * none of the tests' directories. A file that is gone or that the path does not lead to may be a test's.
 */
export function loops(): readonly string[] {
  return readdirSync("/sys/block")
    .filter((name) => name.startsWith("loop"))
    .flatMap((name) => {
      try {
        const flags = readFileSync(`/sys/block/${name}/loop/autoclear`, "utf8").trim();
        const file = readFileSync(`/sys/block/${name}/loop/backing_file`, "utf8").trim();
        return existsSync(file) && !isOfTests(file) ? [] : [`${name} ${file} autoclear ${flags}`];
      } catch {
        return [];
      }
    });
}

function isOfTests(path: string): boolean {
  return [tmpdir(), SOURCE].some((directory) => path.startsWith(`${directory}/`));
}
