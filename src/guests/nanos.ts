/**
 * Nanos: the kernel file, and a disk with its file system, in which a manifest names the program. Words `a.b=value` of
 * the command line are laid over that manifest; they are split at blanks, and there are no quotes (nanos,
 * src/kernel/init.c). `debug_exit` asks for the exit status by QEMU's device, since a power-off has none.
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import { debugExitStatus } from "./debug-exit.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { requiredRootDisk } from "./root-disk.ts";

export const nanos: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 32 * 1024 * 1024,
  needs,
  exitStatus: debugExitStatus,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const words = [
    "debug_exit=t",
    ...input.env.map((entry) => variable(entry, problems)),
    ...input.args.map((argument, index) => `arguments.${index}=${value(argument, problems)}`),
  ];
  const missing = "nanos: its disk is missing: name it by the annotation block, with blkMntPoint set to /";
  const disks = requiredRootDisk(input, missing, problems);
  if (problems.length > 0) return { problems };
  const warnings: string[] = [];
  if (input.arch === "x86_64" && words.length > 1) {
    warnings.push(
      "nanos: a kernel that ignores its command line when entered by PVH takes arguments and environment from its disk only",
    );
  }
  const commandLine = words.join(" ");
  if (input.arch !== "x86_64") return { needs: { commandLine, disks, nics: [], monitorOptions: [], warnings } };
  const monitorOptions = ["-device", "isa-debug-exit,iobase=0x501,iosize=1"];
  return { needs: { commandLine, disks, nics: [], monitorOptions, debugExit: true, warnings } };
}

/** A dot in the name would open another tuple. */
function variable(entry: string, problems: Problem[]): string {
  const cut = entry.indexOf("=");
  if (cut < 1 || !/^[A-Za-z0-9_-]+$/.test(entry.slice(0, cut))) {
    const message = `nanos: the variable ${JSON.stringify(entry)} cannot be passed: its name must have letters, digits, _ and - only`;
    problems.push(guestProblem(message));
  }
  return `environment.${entry.slice(0, cut + 1)}${value(entry.slice(cut + 1), problems)}`;
}

function value(text: string, problems: Problem[]): string {
  if (text === "" || /\s/.test(text)) {
    const what = text === "" ? "an empty value" : JSON.stringify(text);
    problems.push(
      guestProblem(`nanos: ${what} cannot be passed: the guest splits its command line at blanks and knows no quotes`),
    );
  }
  return text;
}
