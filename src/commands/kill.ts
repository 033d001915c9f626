import type { Invocation } from "../cli/command.ts";
import { signalOthers, wakeContainer } from "../container/cgroup.ts";
import { notFound } from "../container/container-directory.ts";
import { findContainer } from "../container/lookup.ts";
import { logAsRecorded } from "../container/record-log.ts";
import { becomeRunc } from "../container/runc.ts";
import { signalContainer } from "../container/stop.ts";
import { RuntimeFailure } from "../failure.ts";
import { parseSignal, SIGKILL } from "../sys/signals.ts";

/**
 * `kill`: sends the signal that was asked for, with `--all` to every process of the cgroup. It needs no lock: the pidfd
 * names the process for good.
 */
export async function run({ global, options, args, argv, log }: Invocation): Promise<number> {
  const found = findContainer(global, args[0] ?? "");
  if (found.owner === "runc") return becomeRunc(argv);
  if (found.owner !== "urunc") throw notFound();
  await logAsRecorded(log, found.record);
  const text = args[1] ?? "TERM";
  const signal = parseSignal(text);
  if (signal === undefined) throw new RuntimeFailure("bad-signal", `unknown signal "${text}"`);
  const directory = `${global.root}/${found.record.id}`;
  const all = options.has("all");
  // What ends a pid namespace has to be done here where there is none (as runc does).
  const others = all || (signal === SIGKILL && found.record.urunc.isMarked === true);
  if (others) signalOthers(directory, signal, found.record);
  if (!signalContainer(found.record, signal, { wait: true, warn: log.warning }) && !all) {
    throw new RuntimeFailure("status", "container not running");
  }
  if (signal === SIGKILL) wakeContainer(directory);
  return 0;
}
