/**
 * A small decoder for JSON values of which nothing is known: each function answers a typed value, or `undefined` after
 * noting why there is none. `null` counts as absent, since Go programs write it for empty pointers, lists and maps.
 */
import type { Problem } from "../failure.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

/** Where findings of one file are collected. */
export interface Findings {
  /** Name of the file as messages show it. */
  readonly file: string;
  /** Code of every finding. */
  readonly code: string;
  readonly problems: Problem[];
}

export function findings(file: string, code: string): Findings {
  return { file, code, problems: [] };
}

/** Notes that the value at `path` is wrong; `found` is shown in short. */
export function report(into: Findings, path: string, demand: string, found?: unknown): void {
  const shown = found === undefined ? "" : `, found ${inShort(found)}`;
  const place = path === "" ? into.file : `${into.file}: ${path}`;
  into.problems.push({ code: into.code, message: `${place}: ${demand}${shown}` });
}

/** A JSON value cut to a length that fits into one line of a log. */
export function inShort(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = typeof value === "string" ? JSON.stringify(value) : String(value);
  return text.length > 60 ? `${text.slice(0, 56)}...` : text;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null;
}

/** Path of a member or list entry below `path`. */
export function below(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return path === "" ? key : `${path}.${key}`;
}

export function objectIn(into: Findings, parent: JsonObject, key: string, path: string): JsonObject | undefined {
  const value = parent[key];
  if (isAbsent(value)) return undefined;
  if (isObject(value)) return value;
  report(into, below(path, key), "must be an object", value);
  return undefined;
}

const NOTHING: readonly unknown[] = [];

/** A list; empty when absent. */
export function listIn(into: Findings, parent: JsonObject, key: string, path: string): readonly unknown[] {
  const value = parent[key];
  if (isAbsent(value)) return NOTHING;
  if (Array.isArray(value)) return value;
  report(into, below(path, key), "must be a list", value);
  return NOTHING;
}

/** Whether the value is a text the kernel can take: no NUL, which would end it early. */
function textOf(into: Findings, value: unknown, path: string): string | undefined {
  if (typeof value !== "string") {
    report(into, path, "must be a string", value);
    return undefined;
  }
  if (value.includes("\0")) {
    report(into, path, "must not contain a NUL character");
    return undefined;
  }
  return value;
}

export function textIn(into: Findings, parent: JsonObject, key: string, path: string): string | undefined {
  const value = parent[key];
  return isAbsent(value) ? undefined : textOf(into, value, below(path, key));
}

/** Like {@link textIn}, but its absence is a finding. */
export function requiredTextIn(into: Findings, parent: JsonObject, key: string, path: string): string | undefined {
  const value = parent[key];
  if (!isAbsent(value)) return textOf(into, value, below(path, key));
  report(into, below(path, key), "is missing");
  return undefined;
}

/** A list of texts; empty when absent. The list itself when all is well: no copy. */
export function textsIn(into: Findings, parent: JsonObject, key: string, path: string): readonly string[] {
  const list = listIn(into, parent, key, path);
  if (areTexts(list)) return list;
  const place = below(path, key);
  list.forEach((entry, index) => {
    textOf(into, entry, below(place, index));
  });
  return [];
}

/** The objects of a list, with their places; empty when absent. */
export function entriesIn(into: Findings, parent: JsonObject, key: string, path: string) {
  return listIn(into, parent, key, path).flatMap((entry, index) => {
    const place = below(below(path, key), index);
    if (isObject(entry)) return [{ entry, place }];
    report(into, place, "must be an object", entry);
    return [];
  });
}

function areTexts(list: readonly unknown[]): list is readonly string[] {
  for (const entry of list) if (typeof entry !== "string" || entry.includes("\0")) return false;
  return true;
}

export function booleanIn(into: Findings, parent: JsonObject, key: string, path: string): boolean {
  const value = parent[key];
  if (isAbsent(value)) return false;
  if (typeof value === "boolean") return value;
  report(into, below(path, key), "must be true or false", value);
  return false;
}

/** An integer from `least` to `most`, both included. */
export function integerIn(
  into: Findings,
  parent: JsonObject,
  key: string,
  path: string,
  least: number,
  most: number,
): number | undefined {
  const value = parent[key];
  return isAbsent(value) ? undefined : integerOf(into, value, below(path, key), least, most);
}

export function integerOf(
  into: Findings,
  value: unknown,
  path: string,
  least: number,
  most: number,
): number | undefined {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  const bounds = most > Number.MAX_SAFE_INTEGER ? "" : ` from ${least} to ${most}`;
  report(into, path, `must be an integer${bounds}`, value);
  return undefined;
}
