import { freeze, isFrozen, thaw } from "../cgroups/freezer.ts";
import type { Invocation } from "../cli/command.ts";
import { cgroupOf } from "../container/cgroup.ts";
import { lockContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { statusOf } from "../container/status.ts";
import { RuntimeFailure } from "../failure.ts";

/** `pause` and `resume`: the monitor, and the guest with it, stands still and goes on. */
export function run({ verb, global, args, argv }: Invocation): number {
  const found = lockContainer(global, args[0] ?? "");
  if (found === "runc") return becomeRunc(argv);
  const { directory, record } = found;
  const { place } = cgroupOf(directory.path, `cannot ${verb} container ${record.id}`);
  const status = statusOf(record);
  const frozen = status !== "stopped" && isFrozen(place);
  if (verb === "resume") {
    if (!frozen) throw new RuntimeFailure("status", "container not paused");
    thaw(place);
    return 0;
  }
  if (frozen || (status !== "running" && status !== "created")) {
    throw new RuntimeFailure("status", `container not running: it is ${frozen ? "paused" : status}`);
  }
  freeze(place);
  return 0;
}
