import { countOomKills, readStatistics } from "../cgroups/statistics.ts";
import type { Invocation } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import { cgroupOf } from "../container/cgroup.ts";
import { type CgroupRecord, readCgroupRecord } from "../container/cgroup-record.ts";
import { notFound } from "../container/container-directory.ts";
import type { HeldProcess } from "../container/held-process.ts";
import { findContainer } from "../container/lookup.ts";
import { withProcess } from "../container/process.ts";
import { becomeRunc } from "../container/runc.ts";
import { identityOf, statusOf } from "../container/status.ts";
import { RuntimeFailure } from "../failure.ts";
import { presentable } from "../json-text.ts";
import { exactJson } from "../resources/statistics.ts";
import { writeAll } from "../sys/file.ts";
import { monotonicMs } from "../sys/process.ts";
import { parseDuration } from "./duration.ts";

const STDOUT = 1;
/** How often it is looked for processes that the kernel has killed. */
const OOM_STEP_MS = 100;

/** `events`: one JSON object a line, statistics in an interval and each kill for want of memory; ends with the container. */
export function run({ global, options, args, argv }: Invocation): number {
  const interval = parseDuration(options.text("interval") ?? "5s");
  if (interval === undefined || interval <= 0) throw usage("option --interval needs a time such as 5s, more than 0");
  const id = args[0] ?? "";
  const found = findContainer(global, id);
  if (found.owner === "runc") return becomeRunc(argv);
  if (found.owner !== "urunc") throw notFound();
  const { record } = found;
  if (statusOf(record) === "stopped") throw new RuntimeFailure("status", `container ${id} is not running`);
  const directory = `${global.root}/${id}`;
  const cgroup = cgroupOf(directory, `cannot read the statistics of container ${id}`);
  if (options.has("stats")) {
    print("stats", id, readStatistics(cgroup.place));
    return 0;
  }
  withProcess(identityOf(record), (process) => follow(id, process, cgroup, interval, directory));
  return 0;
}

function print(type: "stats" | "oom", id: string, data?: unknown): void {
  writeAll(STDOUT, `${presentable(exactJson(data === undefined ? { type, id } : { type, id, data }))}\n`);
}

function follow(id: string, process: HeldProcess, { place }: CgroupRecord, interval: number, directory: string): void {
  let killed = countOomKills(place);
  let next = monotonicMs() + interval;
  for (;;) {
    const hasEnded = process.awaitEnd(Math.min(OOM_STEP_MS, Math.max(0, Math.ceil(next - monotonicMs()))));
    // A cgroup that is gone has no counters.
    const isThere = readCgroupRecord(directory) !== undefined;
    const now = isThere ? countOomKills(place) : killed;
    for (; killed < now; killed++) print("oom", id);
    if (hasEnded || !isThere) return;
    if (monotonicMs() < next) continue;
    print("stats", id, readStatistics(place));
    next += interval;
  }
}
