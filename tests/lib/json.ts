// Reading JSON of which nothing is known yet.
import { readFileSync } from "node:fs";

export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return value;
}

export function readJson(path: string): unknown {
  return parseJson(readFileSync(path, "utf8"));
}

/** The member at the end of the path of keys and indexes; undefined when any step is missing. */
export function member(value: unknown, ...path: readonly (string | number)[]): unknown {
  let place = value;
  for (const key of path) {
    if (typeof place !== "object" || place === null) {
      return undefined;
    }
    place = new Map<string, unknown>(Object.entries(place)).get(String(key));
  }
  return place;
}

export function text(value: unknown, ...path: readonly (string | number)[]): string {
  const found = member(value, ...path);
  if (typeof found !== "string") {
    throw new Error(`No text at ${path.join(".")} in ${JSON.stringify(value)}`);
  }
  return found;
}

export function number(value: unknown, ...path: readonly (string | number)[]): number {
  const found = member(value, ...path);
  if (typeof found !== "number") {
    throw new Error(`No number at ${path.join(".")} in ${JSON.stringify(value)}`);
  }
  return found;
}

export function list(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = member(value, ...path);
  if (!Array.isArray(found)) {
    throw new Error(`No list at ${path.join(".")} in ${JSON.stringify(value)}`);
  }
  return found;
}
