/** How the kernel is to share processors and disks with the monitor (runtime-spec, config.md, "Linux Process"). */

/** SCHED_ISO of the specification is not in Linux. */
export const SCHEDULER_POLICIES = [
  "SCHED_OTHER",
  "SCHED_FIFO",
  "SCHED_RR",
  "SCHED_BATCH",
  "SCHED_IDLE",
  "SCHED_DEADLINE",
] as const;

export const SCHEDULER_FLAGS = [
  "SCHED_FLAG_RESET_ON_FORK",
  "SCHED_FLAG_RECLAIM",
  "SCHED_FLAG_DL_OVERRUN",
  "SCHED_FLAG_KEEP_POLICY",
  "SCHED_FLAG_KEEP_PARAMS",
  "SCHED_FLAG_UTIL_CLAMP_MIN",
  "SCHED_FLAG_UTIL_CLAMP_MAX",
] as const;

/** sched_setattr(2). */
export interface Scheduler {
  readonly policy: (typeof SCHEDULER_POLICIES)[number];
  readonly nice: number;
  /** 1 to 99 with SCHED_FIFO and SCHED_RR, else 0. */
  readonly priority: number;
  readonly flags: readonly (typeof SCHEDULER_FLAGS)[number][];
  /** Nanoseconds, of SCHED_DEADLINE. */
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

export const IO_CLASSES = ["IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE", "IOPRIO_CLASS_IDLE"] as const;

/** ioprio_set(2). */
export interface IoPriority {
  readonly class: (typeof IO_CLASSES)[number];
  /** 0, the most urgent, to 7. */
  readonly priority: number;
}
