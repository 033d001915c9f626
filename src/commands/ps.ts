import { pidsOf } from "../cgroups/processes.ts";
import type { Invocation } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import { ownedCgroupOf } from "../container/cgroup.ts";
import { notFound, readMark } from "../container/container-directory.ts";
import { findContainer } from "../container/lookup.ts";
import { markedPids } from "../container/marked.ts";
import { becomeRunc } from "../container/runc.ts";
import { statusOf } from "../container/status.ts";
import { RuntimeFailure } from "../failure.ts";
import { plainText } from "../plain-text.ts";
import { writeAll } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { environ } from "../sys/process.ts";
import { runProgram } from "../sys/program.ts";

/** `ps`: the processes of the container's cgroup; without one the monitor, and what shares its root. */
export function run({ global, options, args, argv }: Invocation): number {
  const [id = "", ...psOptions] = args;
  const found = findContainer(global, id);
  if (found.owner === "runc") return becomeRunc(argv);
  if (found.owner !== "urunc") throw notFound();
  const format = options.text("format") ?? "table";
  if (format !== "table" && format !== "json") throw usage(`invalid format option: ${format}: use table or json`);
  const cgroup = ownedCgroupOf(`${global.root}/${id}`);
  const alone = () => {
    if (found.record.urunc.isMarked !== true) return statusOf(found.record) === "stopped" ? [] : [found.record.pid];
    const others = markedPids(readMark(`${global.root}/${id}`));
    return statusOf(found.record) === "stopped" ? others : [...new Set([found.record.pid, ...others])];
  };
  const pids = cgroup === undefined ? alone() : pidsOf(cgroup);
  writeAll(1, format === "json" ? `${JSON.stringify(pids)}\n` : table(pids, psOptions));
  return 0;
}

/** The host's ps(1), its lines of other processes left out. */
function table(pids: readonly number[], psOptions: readonly string[]): string {
  const ps = findInPath("ps");
  if (ps === undefined) {
    throw new RuntimeFailure("no-ps", "ps is not in PATH: install procps or use --format json", { kind: "system" });
  }
  const result = runProgram(ps, psOptions.length === 0 ? ["-ef"] : psOptions, environ());
  if (result.code !== 0) throw new RuntimeFailure("ps", `ps ${psOptions.join(" ")}: exit status ${result.code}`);
  const [header = "", ...lines] = result.output.trimEnd().split("\n");
  const column = header.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new RuntimeFailure("ps", "ps printed no column PID: choose options that do");
  const ours = lines.filter((line) => pids.includes(Number(line.trim().split(/\s+/)[column])));
  return [header, ...ours].map((line) => `${plainText(line)}\n`).join("");
}
