import type { Invocation } from "../cli/command.ts";
import { lockContainer } from "../container/lookup.ts";
import { logAsRecorded } from "../container/record-log.ts";
import { becomeRunc } from "../container/runc.ts";
import { startContainer } from "../container/start.ts";
import { openTimestamps } from "../container/timestamps.ts";
import { wallClock } from "../sys/process.ts";

/** `start`: returns when the monitor runs. */
export async function run({ global, args, argv, log }: Invocation): Promise<number> {
  const invoked = wallClock();
  const found = lockContainer(global, args[0] ?? "");
  if (found === "runc") return becomeRunc(argv);
  const { directory, record } = found;
  await logAsRecorded(log, record);
  const timestamps = openTimestamps(record.urunc.timestamps, record.id, log.warning);
  timestamps.stamp("ST.invoked", invoked);
  timestamps.stamp("ST.unikontainer_created");
  startContainer({ directory, record, log, timestamps });
  return 0;
}
