// A runtime whose monitor is a program that only waits (see light-bundle.ts), inside a test.
import { join } from "node:path";
import { scratch } from "./hygiene.ts";
import { lightConfiguration, writeLightBundle } from "./light-bundle.ts";
import { HELPERS } from "./paths.ts";
import { type Runtime, urunc } from "./runtime.ts";

export const PAUSE = join(HELPERS, "pause");

export function lightRuntime(more = ""): Runtime {
  return urunc(lightConfiguration(PAUSE) + more);
}

export function lightBundle(name = "light", more: Readonly<Record<string, unknown>> = {}): string {
  return writeLightBundle(join(scratch(), name), more);
}
