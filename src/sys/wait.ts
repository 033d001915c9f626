import { poll } from "./process.ts";

/**
 * Asks until the answer is yes, with `step` milliseconds between two questions.
 *
 * @returns false when the answer still was no after `limit` milliseconds.
 */
export function waitUntil(isDone: () => boolean, limit: number, step: number): boolean {
  for (let waited = 0; !isDone(); waited += step) {
    if (waited >= limit) return false;
    poll([], step);
  }
  return true;
}
