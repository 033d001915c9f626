import type { Problem } from "../failure.ts";
import { utf8Size } from "../text-size.ts";

/** A finding when the command line has more bytes than the guest takes; the NUL at its end counts. */
export function tooLong(commandLine: string, limit: number, guest: string): readonly Problem[] {
  // A UTF-16 unit has at most three bytes, so most command lines need no counting.
  if (commandLine.length * 3 < limit) return [];
  const size = utf8Size(commandLine) + 1;
  if (size <= limit) return [];
  const message = `${guest}: the command line has ${size} bytes, the guest takes ${limit}: pass fewer arguments or environment variables`;
  return [{ code: "command-line-too-long", message }];
}

export function guestProblem(message: string): Problem {
  return { code: "guest-argument", message };
}

/** Bytes of a Solo5 guest's command line with its NUL (solo5, hvt_abi.h and spt_abi.h). */
export const SOLO5_COMMAND_LINE = 8192;
