/**
 * Rumprun: one JSON object. Its parser takes the key `env` more than once, one variable each. It finds the ends of texts
 * as JSON has them, but takes what is between for the text as it stands: nothing is unescaped (rumprun,
 * lib/libbmk_core/jsmn.c, lib/librumprun_base/config.c). `cmdline` is then split at blanks, with single quotes and
 * backslashes as in a shell (lib/librumprun_base/parseargs.c); a double quote in it is always one behind a backslash.
 */
import type { Problem } from "../failure.ts";
import { guestProblem, SOLO5_COMMAND_LINE, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, lostAddress } from "./network.ts";
import { solo5Disks } from "./solo5-disks.ts";
import { solo5Devices, solo5Nics } from "./solo5-nic.ts";

/** Name of the block device when the manifest cannot be read: that of rumprun's Solo5 port. */
const BLOCK_DEVICE = "rootfs";
/** Name of the nic there. */
const NET_DEVICE = "tap";
/** Wherever it stands in the command line, the object is read from the file whose name follows (config.c). */
const ROOT_CONFIGURATION = "_RUMPRUN_ROOTFSCFG=";
/** What stands between the quotes of a JSON text. */
const VERBATIM = /^(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*$/;

export const rumprun: Guest = {
  monitors: ["hvt", "spt"],
  supportsInitrd: false,
  supportsBlock: true,
  rootFilesystems: ["ext2"],
  // Its root is a part of its kernel.
  rootfsPlace: "/data",
  minimumMemory: 8 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  if (input.block?.mountPoint === "/") {
    problems.push(
      guestProblem("rumprun: a block image cannot be mounted at /: set blkMntPoint to another directory such as /data"),
    );
  }
  const members = [`"cmdline":"${input.args.map((argument) => quote(argument, problems)).join(" ")}"`];
  for (const entry of input.env) members.push(`"env":"${verbatim(entry, problems)}"`);
  const devices = solo5Devices("rumprun", NET_DEVICE, 1, input, problems);
  const [network] = input.networks;
  if (network?.ipv4 !== undefined && devices.length > 0) members.push(`"net":${networkMember(network.ipv4)}`);
  if (input.block !== undefined) {
    const mountPoint = verbatim(input.block.mountPoint, problems);
    members.push(`"blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"${mountPoint}"}`);
  }
  const commandLine = `{${members.join(",")}}`;
  problems.push(...tooLong(commandLine, SOLO5_COMMAND_LINE, "rumprun"));
  if (commandLine.includes(ROOT_CONFIGURATION)) {
    problems.push(
      guestProblem(`rumprun: ${ROOT_CONFIGURATION} cannot be passed: the guest would look for its configuration there`),
    );
  }
  const disks = solo5Disks("rumprun", BLOCK_DEVICE, input, problems);
  if (problems.length > 0) return { problems };
  const warnings = lostAddress("rumprun", network);
  return { needs: { commandLine, disks, nics: solo5Nics(devices, input), monitorOptions: [], warnings } };
}

/** The mask of one bit makes every gateway a neighbour, also one outside of the subnet. */
function networkMember({ address, gateway }: NonNullable<GuestNetwork["ipv4"]>): string {
  const fixed = `"if":"ukvmif0","cloner":"True","type":"inet","method":"static"`;
  const way = gateway === undefined ? "" : `,"gw":"${gateway}"`;
  return `{${fixed},"addr":"${address}","mask":"1"${way}}`;
}

/** One word of `cmdline`. */
function quote(word: string, problems: Problem[]): string {
  if (word.includes("'")) {
    problems.push(
      guestProblem(
        `rumprun: ${JSON.stringify(word)} cannot be passed: its command line has no way to write a single quote`,
      ),
    );
  }
  const text = word.replace(/[\\"]/g, "\\$&");
  return word === "" || /[ \t\n]/.test(word) ? `'${text}'` : text;
}

/** What JSON would change, or would not take, cannot be written. */
function verbatim(text: string, problems: Problem[]): string {
  if (!VERBATIM.test(text)) {
    problems.push(
      guestProblem(
        `rumprun: ${JSON.stringify(text)} cannot be passed: a double quote or a backslash in it would change it`,
      ),
    );
  }
  return text;
}
