/**
 * Mewz: a kernel with a WebAssembly program linked in. Kernel parameters and, behind `--`, the program's arguments are
 * split at blanks, without quotes; older releases have no arguments and look for their parameters everywhere, so words
 * that read as one are refused (mewz, src/param.zig and src/args.zig). Its driver knows the modern virtio interface only.
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import { exitStatusButLargest } from "./debug-exit.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, lostAddress, nicIds } from "./network.ts";

/** The program's arguments beyond these are dropped. */
const ARGUMENT_LIMIT = 64;

export const mewz: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: false,
  minimumMemory: 512 * 1024 * 1024,
  needs,
  exitStatus: exitStatusButLargest,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  for (const argument of input.args) refuseUnwritable(argument, problems);
  if (input.args.length > ARGUMENT_LIMIT) {
    problems.push(guestProblem(`mewz: ${input.args.length} arguments: the guest takes ${ARGUMENT_LIMIT}`));
  }
  const lost = lostVariables(input.env, "mewz: environment variables are not passed: the guest has none");
  if (problems.length > 0) return { problems };
  const [network] = input.networks;
  const words = [...networkWords(network), ...(input.args.length === 0 ? [] : ["--", ...input.args])];
  const monitorOptions = ["-device", "isa-debug-exit,iobase=0x501,iosize=2"];
  return {
    needs: {
      commandLine: words.join(" "),
      disks: [],
      nics: nicIds(input.networks, 1),
      virtioNet: "modern",
      monitorOptions,
      debugExit: true,
      warnings: [...lost.warnings, ...lostAddress("mewz", network)],
      remarks: lost.remarks,
    },
  };
}

/** Its network is on only with all of address, mask and gateway; 0.0.0.0 is no gateway. */
function networkWords(network: GuestNetwork | undefined): readonly string[] {
  if (network?.ipv4 === undefined) return [];
  const { address, prefix, gateway } = network.ipv4;
  return [`ip=${address}/${prefix}`, `gateway=${gateway ?? "0.0.0.0"}`];
}

function refuseUnwritable(argument: string, problems: Problem[]): void {
  const refuse = (reason: string) =>
    void problems.push(guestProblem(`mewz: the argument ${JSON.stringify(argument)} cannot be passed: ${reason}`));
  if (argument === "" || argument.includes(" ")) refuse("the guest splits at blanks and knows no quotes");
  else if (argument === "--") refuse("the guest drops it");
  else if (/^(ip|gateway|dns|epoch)=/.test(argument)) refuse("the guest takes it for a parameter of its own");
}
