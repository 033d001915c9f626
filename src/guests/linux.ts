/**
 * Linux: kernel parameters, then `init=` and after `--` the arguments of init (Linux,
 * Documentation/admin-guide/kernel-parameters.rst). Words `NAME=VALUE` that are no parameter of the kernel become
 * init's environment.
 */
import type { Problem } from "../failure.ts";
import { guestProblem, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput } from "./guest.ts";
import { environmentWord, initWord, isUrunit, urunitWord } from "./linux-words.ts";

/** COMMAND_LINE_SIZE of x86_64 and arm64, with the NUL. */
const COMMAND_LINE = 2048;

/** CONFIG_INIT_ENV_ARG_LIMIT is 32 unless configured otherwise; two variables are the kernel's own. More is a panic. */
const USUAL_VARIABLES = 30;
const USUAL_ARGUMENTS = 31;

export const linux: Guest = {
  monitors: ["qemu", "firecracker", "cloud-hypervisor"],
  supportsInitrd: true,
  supportsBlock: true,
  minimumMemory: 32 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const [init, ...args] = input.args;
  if (!init) return { problems: [guestProblem("linux: no init was specified: set process.args")] };
  const problems: Problem[] = [];
  const word = isUrunit(init) ? urunitWord : initWord;
  const words = [
    "panic=-1",
    ...monitorWords(input),
    ...rootWords(input),
    ...input.env.map((entry) => environmentWord(entry, problems)),
    `${input.initrd ? "rdinit" : "init"}=${initWord(init, problems)}`,
    "--",
    args.map((argument) => word(argument, problems)).join(" "),
  ];
  const commandLine = words.join(" ");
  problems.push(...tooLong(commandLine, COMMAND_LINE, "linux"));
  if (problems.length > 0) return { problems };
  return { needs: { commandLine, disks: disks(input), monitorOptions: [], warnings: limits(input.env, args) } };
}

/** The serial port of each machine. Firecracker ends when the keyboard controller resets it, and by nothing else. */
function monitorWords(input: GuestInput): readonly string[] {
  const isArm = input.arch === "aarch64";
  if (input.monitor === "firecracker") return isArm ? ["console=ttyS0"] : ["console=ttyS0", "reboot=k"];
  return [isArm ? "console=ttyAMA0" : "console=ttyS0"];
}

/** An initrd is the root when there is one, else a block image at `/`; without either the kernel brings its own. */
function rootWords(input: GuestInput): readonly string[] {
  if (input.initrd) return ["root=/dev/ram0 rw"];
  if (input.block?.mountPoint !== "/") return [];
  return [`root=/dev/vda ${input.block.readonly ? "ro" : "rw"}`];
}

/** The serial number, by which a guest finds a disk, is the id; init programs read up to nine characters of it. */
function disks(input: GuestInput): readonly GuestDisk[] {
  if (input.block === undefined) return [];
  const isRoot = input.block.mountPoint === "/" && !input.initrd;
  return [{ id: isRoot ? "rootfs" : "annot_vol", ...input.block }];
}

function limits(env: readonly string[], args: readonly string[]): readonly string[] {
  const warnings: string[] = [];
  if (env.length > USUAL_VARIABLES) {
    warnings.push(
      `linux: ${env.length} environment variables: a kernel with the usual CONFIG_INIT_ENV_ARG_LIMIT panics above ${USUAL_VARIABLES}`,
    );
  }
  if (args.length > USUAL_ARGUMENTS) {
    warnings.push(
      `linux: ${args.length} arguments: a kernel with the usual CONFIG_INIT_ENV_ARG_LIMIT panics above ${USUAL_ARGUMENTS}`,
    );
  }
  return warnings;
}
