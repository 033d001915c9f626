/** One value to be written into a file of a cgroup. */
export interface Setting {
  /** The controller the file belongs to. */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** Written when `file` does not exist: another kernel's name for the same. */
  readonly instead?: { readonly file: string; readonly value: string };
}

/** A JSON number as the kernel reads it: never with an exponent. */
export function integerText(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : BigInt(value).toString();
}
