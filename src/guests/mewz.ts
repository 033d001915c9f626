/**
 * Mewz: a kernel with a WebAssembly program linked in. Kernel parameters and, behind `--`, the program's arguments are
 * split at blanks, without quotes; older releases have no arguments and look for their parameters everywhere, so words
 * that read as one are refused (mewz, src/param.zig and src/args.zig).
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import { debugExitStatus } from "./debug-exit.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";

/** The program's arguments beyond these are dropped. */
const ARGUMENT_LIMIT = 64;

export const mewz: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: false,
  minimumMemory: 512 * 1024 * 1024,
  needs,
  exitStatus: debugExitStatus,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  for (const argument of input.args) refuseUnwritable(argument, problems);
  if (input.args.length > ARGUMENT_LIMIT) {
    problems.push(guestProblem(`mewz: ${input.args.length} arguments: the guest takes ${ARGUMENT_LIMIT}`));
  }
  if (input.env.length > 0) warnings.push("mewz: environment variables are not passed: the guest has none");
  if (problems.length > 0) return { problems };
  const commandLine = input.args.length === 0 ? "" : `-- ${input.args.join(" ")}`;
  const monitorOptions = ["-device", "isa-debug-exit,iobase=0x501,iosize=2"];
  return { needs: { commandLine, disks: [], nics: [], monitorOptions, debugExit: true, warnings } };
}

function refuseUnwritable(argument: string, problems: Problem[]): void {
  const refuse = (reason: string) =>
    void problems.push(guestProblem(`mewz: the argument ${JSON.stringify(argument)} cannot be passed: ${reason}`));
  if (argument === "" || argument.includes(" ")) refuse("the guest splits at blanks and knows no quotes");
  else if (argument === "--") refuse("the guest drops it");
  else if (/^(ip|gateway|dns|epoch)=/.test(argument)) refuse("the guest takes it for a parameter of its own");
}
