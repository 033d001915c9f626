// Around every test: a directory of its own, and the proof that nothing is left on the host.
//
// After a test the product's own clean-up runs first (`atEnd`), then the host is compared with what it was; only then
// what is left is ended by its pid, unmounted and removed, so that one failure does not spoil the tests after it.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach } from "vitest";
import { until } from "./command.ts";
import { cgroups, descendants, isAlive, loops, mounts, names, processStatus } from "./host.ts";

interface Snapshot {
  readonly processes: ReadonlySet<string>;
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  readonly loops: readonly string[];
}

const NO_REAPER = "Run the end-to-end tests by script/test e2e: it brings the reaper";

/** Whose descendants are this run's. Never 1: what others start meanwhile would be ended as a left-over. */
const REAPER = reaper();

let before: Snapshot | undefined;
let directory = "";
let endings: (() => void | Promise<void>)[] = [];
let stateDirectories: string[] = [];
let tolerated: string[] = [];

function reaper(): number {
  const pid = process.env.URUNC_TEST_REAPER;
  if (pid === undefined) throw new Error(NO_REAPER);
  return Number(pid);
}

function living(): ReadonlyMap<string, number> {
  return new Map(
    descendants(REAPER)
      .filter(({ state }) => state !== "Z" && state !== "X")
      .filter(({ pid, parent }) => pid !== process.pid && parent !== 2)
      .map(({ pid, startTime, name }) => [`${pid} ${name} ${startTime}`, pid]),
  );
}

function take(): Snapshot {
  return {
    processes: new Set([...living().keys()].map(withoutName)),
    mounts: mounts(),
    cgroups: cgroups(),
    loops: loops(),
  };
}

/** A process may take another name by execve. */
function withoutName(key: string): string {
  const parts = key.split(" ");
  return `${parts[0]} ${parts.at(-1)}`;
}

function added(old: readonly string[], now: readonly string[]): readonly string[] {
  const left = [...old];
  return now.filter((item) => {
    const at = left.indexOf(item);
    if (at >= 0) {
      left.splice(at, 1);
    }
    return at < 0;
  });
}

function difference(old: Snapshot): readonly string[] {
  return [
    ...[...living().keys()].filter((key) => !old.processes.has(withoutName(key))).map((key) => `process ${key}`),
    ...added(old.mounts, mounts()).map((line) => `mount ${line}`),
    ...added(mounts(), old.mounts).map((line) => `mount gone ${line}`),
    ...added(old.cgroups, cgroups())
      .filter((path) => !tolerated.some((end) => path.endsWith(end)))
      .map((path) => `cgroup ${path}`),
    ...added(old.loops, loops()).map((line) => `loop device ${line}`),
    ...added(loops(), old.loops).map((line) => `loop device gone ${line}`),
    ...stateDirectories.flatMap((path) => names(path).map((name) => `state ${join(path, name)}`)),
  ];
}

/** The test's own directory; short, because it holds sockets. */
export function scratch(): string {
  return directory;
}

/** Clean-up by the product itself, before the host is judged; the last one registered runs first. */
export function atEnd(ending: () => void | Promise<void>): void {
  endings.push(ending);
}

/** A directory that must be empty at the end. */
export function mustEndEmpty(path: string): void {
  stateDirectories.push(path);
}

/** A cgroup that runc makes above its containers' own and leaves: its path ends so. */
export function mayKeepCgroup(end: string): void {
  tolerated.push(end);
}

/** What this test has added to the host so far. */
export function leftovers(): readonly string[] {
  return before === undefined ? [] : difference(before);
}

/** How a process ended of which the test's reaper was the parent, for example `exit 0`; undefined while it runs. */
export function reaped(pid: number): string | undefined {
  const path = process.env.URUNC_TEST_REAPED;
  if (path === undefined || !existsSync(path)) {
    throw new Error(NO_REAPER);
  }
  const lines = readFileSync(path, "utf8").trimEnd().split("\n").reverse();
  return lines.find((line) => line.startsWith(`${pid} `))?.slice(`${pid} `.length);
}

/** Runs `action` while nobody reaps the containers' processes. */
export async function withoutReaper(action: () => Promise<void>): Promise<void> {
  process.kill(REAPER, "SIGSTOP");
  try {
    // Until it has stopped it may still reap.
    await until("the reaper has stopped", () => processStatus(REAPER)?.state === "T");
    await action();
  } finally {
    process.kill(REAPER, "SIGCONT");
  }
}

async function forceClean(old: Snapshot): Promise<void> {
  for (const [key, pid] of living()) {
    if (!old.processes.has(withoutName(key)) && isAlive(pid)) {
      process.kill(pid, "SIGKILL");
    }
  }
  await sleep(100);
  const own = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((target) => target.startsWith(`${directory}/`))
    .reverse();
  for (const target of own) {
    spawnSync("umount", ["-l", target]);
  }
  for (const path of [...added(old.cgroups, cgroups())].reverse()) {
    try {
      rmdirSync(path);
    } catch {
      // Someone else's cgroup, or one with processes in it: the test has failed for it already.
    }
  }
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "ut-"));
  endings = [];
  stateDirectories = [];
  tolerated = [];
  before = take();
});

afterEach(async () => {
  const old = before;
  if (old === undefined) {
    return;
  }
  const failures: unknown[] = [];
  for (const ending of endings.reverse()) {
    try {
      await ending();
    } catch (error) {
      failures.push(error);
    }
  }
  const limit = Date.now() + 5000;
  let left = difference(old);
  while (left.length > 0 && Date.now() < limit) {
    await sleep(50);
    left = difference(old);
  }
  if (left.length > 0) {
    await forceClean(old);
  }
  rmSync(directory, { recursive: true, force: true });
  directory = "";
  before = undefined;
  if (failures.length > 0) {
    throw failures[0];
  }
  if (left.length > 0) {
    throw new Error(`Left behind on the host:\n${left.join("\n")}`);
  }
});
