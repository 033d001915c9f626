/** What `events` prints of a container: runc's members, of which those that are 0 or empty are left out as runc does. */

/** Text of a controller's file; undefined when there is none. */
export type ReadFile = (controller: string, file: string) => string | undefined;

/** An unsigned 64-bit number, as a BigInt where a number would not be exact. */
export type Count = number | bigint;

export interface MemoryEntry {
  readonly limit: Count;
  readonly usage?: Count;
  readonly max?: Count;
  readonly failcnt: Count;
}

export interface BlockIoEntry {
  readonly major?: number;
  readonly minor?: number;
  readonly op?: string;
  readonly value?: Count;
}

export interface Statistics {
  readonly cpu: {
    /** Nanoseconds. */
    readonly usage: {
      readonly total?: Count;
      readonly percpu?: readonly Count[];
      readonly percpu_kernel?: readonly Count[];
      readonly percpu_user?: readonly Count[];
      readonly kernel: Count;
      readonly user: Count;
    };
    readonly throttling: {
      readonly periods?: Count;
      readonly throttledPeriods?: Count;
      readonly throttledTime?: Count;
    };
  };
  readonly cpuset: Readonly<Record<string, unknown>>;
  readonly memory: {
    readonly cache?: Count;
    readonly usage: MemoryEntry;
    /** Of memory and swap together, also with cgroup v2. */
    readonly swap: MemoryEntry;
    readonly kernel: MemoryEntry;
    readonly kernelTCP: MemoryEntry;
    readonly raw?: Readonly<Record<string, Count>>;
  };
  readonly pids: { readonly current?: Count; readonly limit?: Count };
  readonly blkio: {
    readonly ioServiceBytesRecursive?: readonly BlockIoEntry[];
    readonly ioServicedRecursive?: readonly BlockIoEntry[];
  };
  readonly hugetlb: Readonly<Record<string, { readonly usage?: Count; readonly max?: Count; readonly failcnt: Count }>>;
  readonly intel_rdt: Readonly<Record<string, never>>;
  readonly network_interfaces: null;
}

/** cgroup v2's word for no limit becomes the greatest number, as in runc. */
const NO_LIMIT = 2n ** 64n - 1n;

/** The number a file holds; 0 for one that is missing or holds none. */
export function count(text: string | undefined): Count {
  const word = text?.trim() ?? "";
  if (word === "max") return NO_LIMIT;
  if (!/^\d+$/.test(word)) return 0;
  const value = Number(word);
  return Number.isSafeInteger(value) ? value : BigInt(word);
}

/** Lines of a name and a number. */
export function counts(text: string | undefined): Readonly<Record<string, Count>> {
  const entries = (text ?? "").split("\n").map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    entries.flatMap(([name = "", value]) => (value === undefined ? [] : [[name, count(value)]])),
  );
}

/** Product and sum of counts, exact. */
export function times(value: Count | undefined, factor: number): Count {
  return count(String(BigInt(value ?? 0) * BigInt(factor)));
}

export function plus(a: Count, b: Count): Count {
  return count(String(BigInt(a) + BigInt(b)));
}

/** Leaves out members that are 0. */
export function withoutZeros<K extends string>(
  members: Readonly<Record<K, Count | undefined>>,
): Partial<Record<K, Count>> {
  const kept: Partial<Record<K, Count>> = {};
  for (const key in members) {
    const value = members[key];
    if (value !== undefined && BigInt(value) !== 0n) kept[key] = value;
  }
  return kept;
}

export function memoryEntry(limit: Count, usage: Count, max: Count, failcnt: Count): MemoryEntry {
  return { limit, ...withoutZeros({ usage, max }), failcnt };
}

/** `0-2,7` as the numbers it stands for. */
export function numbersOf(list: string | undefined): readonly number[] {
  const numbers: number[] = [];
  for (const range of (list ?? "").trim().split(",")) {
    if (!/^\d+(-\d+)?$/.test(range)) continue;
    const [first = 0, last = first] = range.split("-").map(Number);
    for (let value = first; value <= last; value++) numbers.push(value);
  }
  return numbers;
}

/** No id and no name of a file can have this character. */
const MARK = "\u0001";

/** One line of JSON with every digit of the great numbers: readers take them for 64-bit integers. */
export function exactJson(value: unknown): string {
  const text = JSON.stringify(value, (_, member: unknown) =>
    typeof member === "bigint" ? `${MARK}${member}` : member,
  );
  return text.replace(/"\\u0001(\d+)"/g, "$1");
}
