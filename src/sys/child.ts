import { clone3 } from "./clone.ts";
import { exit } from "./process.ts";

/** A process that this one has made. */
export interface Child {
  readonly pid: number;
  readonly pidfd: number;
}

/** Status of a child that came to its end by an error it could tell nobody. */
const FAILED = 127;

/**
 * Makes a child, which does `live` and ends in it. Whatever is thrown in it, by the engine for want of memory too, never
 * reaches the stack of the caller: what the caller undoes then is the caller's, and the child has only a copy of it.
 *
 * @param flags CLONE_* of clone(2).
 * @param cgroup descriptor of the cgroup v2 directory that the child begins in.
 */
export function cloneChild(flags: number, live: () => never, cgroup?: number): Child {
  const child = cgroup === undefined ? clone3(flags) : clone3(flags, cgroup);
  if (child.pid !== 0) return child;
  try {
    live();
  } finally {
    exit(FAILED);
  }
}
