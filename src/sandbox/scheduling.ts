/** How the kernel shares processors and disks with the monitor. */
import { RuntimeFailure } from "../failure.ts";
import type { IoPriority, Scheduler } from "../oci/scheduling.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { messageOf } from "../sys/errors.ts";
import { ioprioSet, schedSetattr } from "../sys/process.ts";

/** linux/sched.h */
const POLICIES: Readonly<Record<Scheduler["policy"], number>> = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
};
const FLAGS: Readonly<Record<Scheduler["flags"][number], number>> = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
};

/** linux/ioprio.h */
const IO_CLASSES: Readonly<Record<IoPriority["class"], number>> = {
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
};
const IO_CLASS_SHIFT = 13;

/**
 * Sets both for the init, from outside: in a user namespace it has no right to. All that it starts inherits them.
 *
 * @throws RuntimeFailure `scheduling`.
 */
export function setScheduling({ scheduler, ioPriority }: LaunchPlan, pid: number): void {
  if (scheduler !== undefined) {
    const { policy, nice, priority, runtime, deadline, period } = scheduler;
    const flags = scheduler.flags.reduce((mask, flag) => mask | FLAGS[flag], 0);
    attempt(`process.scheduler: ${policy}`, () =>
      schedSetattr(pid, POLICIES[policy], flags, nice, priority, runtime, deadline, period),
    );
  }
  if (ioPriority !== undefined) {
    const value = (IO_CLASSES[ioPriority.class] << IO_CLASS_SHIFT) | ioPriority.priority;
    attempt(`process.ioPriority: ${ioPriority.class}`, () => ioprioSet(pid, value));
  }
}

function attempt(what: string, set: () => void): void {
  try {
    set();
  } catch (error) {
    throw new RuntimeFailure("scheduling", `${what}: ${messageOf(error)}: does the caller have CAP_SYS_NICE?`, {
      cause: error,
    });
  }
}
