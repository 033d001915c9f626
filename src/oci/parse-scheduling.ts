/** `process.scheduler` and `process.ioPriority` of config.json (runtime-spec, config.md, section "Linux Process"). */
import {
  below,
  type Findings,
  integerIn,
  type JsonObject,
  objectIn,
  report,
  requiredTextIn,
  textsIn,
} from "./decode.ts";
import { IO_CLASSES, type IoPriority, SCHEDULER_FLAGS, SCHEDULER_POLICIES, type Scheduler } from "./scheduling.ts";

const PATH = "process.scheduler";

/** Policies with a static priority, and the one with a budget (sched(7)). */
const REAL_TIME: readonly string[] = ["SCHED_FIFO", "SCHED_RR"];
const DEADLINE = "SCHED_DEADLINE";

export function parseScheduler(into: Findings, process: JsonObject): Scheduler | undefined {
  const value = objectIn(into, process, "scheduler", "process");
  if (value === undefined) return undefined;
  const policy = oneOf(into, value, "policy", PATH, SCHEDULER_POLICIES);
  const nice = integerIn(into, value, "nice", PATH, -20, 19) ?? 0;
  const priority = integerIn(into, value, "priority", PATH, 0, 99) ?? 0;
  const [runtime = 0, deadline = 0, period = 0] = ["runtime", "deadline", "period"].map((key) =>
    integerIn(into, value, key, PATH, 0, Number.MAX_SAFE_INTEGER),
  );
  const flags = textsIn(into, value, "flags", PATH).flatMap((name, index) => {
    const flag = SCHEDULER_FLAGS.find((known) => known === name);
    const place = below(below(PATH, "flags"), index);
    if (flag === undefined) report(into, place, "must be the name of a flag of sched_setattr(2)", name);
    return flag ?? [];
  });
  if (policy === undefined) return undefined;
  if (REAL_TIME.includes(policy) && priority === 0) {
    report(into, below(PATH, "priority"), `must be from 1 to 99 with ${policy}`, priority);
  }
  if (!REAL_TIME.includes(policy) && priority !== 0) {
    report(into, below(PATH, "priority"), `belongs to ${REAL_TIME.join(" and ")} only`, priority);
  }
  if (policy !== DEADLINE && runtime + deadline + period > 0) {
    report(into, PATH, `runtime, deadline and period belong to ${DEADLINE} only`);
  }
  return { policy, nice, priority, flags, runtime, deadline, period };
}

export function parseIoPriority(into: Findings, process: JsonObject): IoPriority | undefined {
  const path = "process.ioPriority";
  const value = objectIn(into, process, "ioPriority", "process");
  if (value === undefined) return undefined;
  const ioClass = oneOf(into, value, "class", path, IO_CLASSES);
  const priority = integerIn(into, value, "priority", path, 0, 7) ?? 0;
  return ioClass === undefined ? undefined : { class: ioClass, priority };
}

function oneOf<Name extends string>(
  into: Findings,
  parent: JsonObject,
  key: string,
  path: string,
  names: readonly Name[],
): Name | undefined {
  const text = requiredTextIn(into, parent, key, path);
  const name = names.find((known) => known === text);
  if (text !== undefined && name === undefined) {
    report(into, below(path, key), `must be one of ${names.join(", ")}`, text);
  }
  return name;
}
