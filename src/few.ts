/**
 * Bounds of what is told: an image, a bundle or a file of the host may have any number of things wrong with it, each of
 * any length, and logs are kept and read by others.
 */

/** Messages of one list. */
const MOST = 40;
/** Characters of one of them: a path of 4096 bytes may be the point of it (PATH_MAX). */
const LENGTH = 5000;

/** The text, or its beginning and the number of characters that are left out. */
export function shortened(text: string): string {
  if (text.length <= LENGTH) return text;
  return `${text.slice(0, LENGTH)}... (${text.length - LENGTH} more characters)`;
}

/** The first of them, each {@link shortened}, and how many there are beside them. */
export function few(messages: readonly string[], what: string): readonly string[] {
  const told = messages.slice(0, MOST).map(shortened);
  return messages.length <= MOST ? told : [...told, `${messages.length - MOST} more ${what} are left out`];
}

/** Puts all of `more` behind a list. Not by spreading: the engine takes 65534 arguments. */
export function append<T>(list: T[], more: Iterable<T>): void {
  for (const one of more) list.push(one);
}

/** The largest of the numbers and of `least`; likewise for any number of them. */
export function largest(numbers: Iterable<number>, least: number): number {
  let most = least;
  for (const number of numbers) if (number > most) most = number;
  return most;
}
