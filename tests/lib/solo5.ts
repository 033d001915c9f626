// Solo5's monitors and test unikernels, where they are installed: URUNC_TEST_SOLO5_GUESTS names a directory with the
// unikernels (test_hello.hvt, test_hello.spt, …), PATH has solo5-hvt and solo5-spt.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { missing, missingProgram } from "./monitor.ts";

export const SOLO5_GUESTS = process.env.URUNC_TEST_SOLO5_GUESTS ?? "";

/** Why this unikernel cannot run on this monitor here; undefined when it can. */
export function missingSolo5(monitor: string, guest: string): string | undefined {
  const program = `solo5-${monitor}`;
  const reason = monitor === "hvt" ? missing(program) : missingProgram(program);
  if (reason !== undefined || existsSync(join(SOLO5_GUESTS, `${guest}.${monitor}`))) return reason;
  return `URUNC_TEST_SOLO5_GUESTS names no directory with ${guest}.${monitor}`;
}
