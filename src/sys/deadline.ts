import { monotonicMs, poll } from "urunc:sys";

/** The end of a wait, by the clock that nobody sets (CLOCK_MONOTONIC): steps that are counted take longer on a busy machine. */
export interface Deadline {
  /** Whole milliseconds that are left, as poll(2) takes them; 0 when the time is over. */
  left(): number;
}

/** poll(2) takes an int. */
const LONGEST = 0x7fff_ffff;

/** A deadline so many milliseconds from now. */
export function deadlineIn(milliseconds: number): Deadline {
  const end = monotonicMs() + milliseconds;
  return { left: () => Math.min(Math.max(0, Math.ceil(end - monotonicMs())), LONGEST) };
}

/** Does nothing for some milliseconds. */
function pause(milliseconds: number): void {
  poll([], milliseconds);
}

/**
 * Asks until the answer is yes, with `step` milliseconds between two questions, and a last time at the deadline.
 *
 * @returns false when the answer was no at the deadline.
 */
export function waitUntil(isDone: () => boolean, deadline: Deadline, step: number): boolean {
  for (;;) {
    const left = deadline.left();
    if (isDone()) return true;
    if (left === 0) return false;
    pause(Math.min(step, left));
  }
}
