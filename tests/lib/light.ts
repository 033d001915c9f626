// A runtime whose monitor is a program that only waits (see light-bundle.ts), inside a test.
import { join } from "node:path";
import { scratch } from "./hygiene.ts";
import { lightConfiguration, writeLightBundle } from "./light-bundle.ts";
import { HELPERS } from "./paths.ts";
import { type Runtime, urunc } from "./runtime.ts";

export const PAUSE = join(HELPERS, "pause");

/** @param prefix program and arguments that call it. */
export function lightRuntime(more = "", prefix: readonly string[] = []): Runtime {
  return urunc(lightConfiguration(PAUSE) + more, prefix);
}

export function lightBundle(name = "light", more: Readonly<Record<string, unknown>> = {}): string {
  return writeLightBundle(join(scratch(), name), more);
}
