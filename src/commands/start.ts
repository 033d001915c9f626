import type { Invocation } from "../cli/command.ts";
import { lockContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { startContainer } from "../container/start.ts";

/** `start`: returns when the monitor runs. */
export function run({ global, args, argv, log }: Invocation): number {
  const found = lockContainer(global, args[0] ?? "");
  if (found === "runc") return becomeRunc(argv);
  startContainer(found.directory, found.record, log);
  return 0;
}
