// Figures of a series, and tables of them; what the parts of script/bench share.
import { existsSync, readFileSync } from "node:fs";
import { cpus, release } from "node:os";

export interface Spread {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
}

/** Interpolated between the two nearest values. */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: quantile(sorted, 0.5), p10: quantile(sorted, 0.1), p90: quantile(sorted, 0.9) };
}

/** The first column to the left, the others to the right. */
export function table(header: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = header.map((text, column) => Math.max(text.length, ...body.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join("  ");
  return [line(header), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly kernel: string;
  readonly system: string;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    kernel: release(),
    system: existsSync("/etc/os-release")
      ? (/PRETTY_NAME="(.*)"/.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "")
      : "",
  };
}

/** One line, for the head of a report. */
export function machineText(): string {
  const { cpu, cores, kernel, system } = machine();
  return `${cpu}, ${cores} cores, Linux ${kernel}, ${system}`;
}
