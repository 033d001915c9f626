/**
 * Linux: kernel parameters, then `init=` and after `--` the arguments of init (Linux,
 * Documentation/admin-guide/kernel-parameters.rst). Words `NAME=VALUE` that are no parameter of the kernel become
 * init's environment.
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText, isSameSubnet } from "../netlink/address.ts";
import { guestProblem, tooLong } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput } from "./guest.ts";
import { environmentWord, initWord, isUrunit, urunitWord } from "./linux-words.ts";
import { type GuestNetwork, ipv4Servers, lostAddress } from "./network.ts";

/** COMMAND_LINE_SIZE of x86_64 and arm64, with the NUL. */
const COMMAND_LINE = 2048;

/** CONFIG_INIT_ENV_ARG_LIMIT is 32 unless configured otherwise; two variables are the kernel's own. More is a panic. */
const USUAL_VARIABLES = 30;
const USUAL_ARGUMENTS = 31;

export const linux: Guest = {
  monitors: ["qemu"],
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
    input.arch === "aarch64" ? "console=ttyAMA0" : "console=ttyS0",
    ...rootWords(input),
    ...(input.network === undefined ? [] : addressWords(input.network)),
    ...input.env.map((entry) => environmentWord(entry, problems)),
    ...(input.network === undefined ? [] : routeWords(input.network)),
    `${input.initrd ? "rdinit" : "init"}=${initWord(init, problems)}`,
    "--",
    args.map((argument) => word(argument, problems)).join(" "),
  ];
  const commandLine = words.join(" ");
  problems.push(...tooLong(commandLine, COMMAND_LINE, "linux"));
  if (problems.length > 0) return { problems };
  const lost = input.network === undefined ? [] : lostAddress("linux", input.network);
  const warnings = [...limits(input.env, args), ...lost];
  return { needs: { commandLine, disks: disks(input), nic: "net0", monitorOptions: [], warnings } };
}

/** Address, server, gateway, mask, host name, device, way, name servers (Linux, Documentation/admin-guide/nfs/nfsroot). */
function addressWords(network: GuestNetwork): readonly string[] {
  if (network.ipv4 === undefined) return [];
  const { address, prefix, gateway } = network.ipv4;
  const hostname = network.hostname ?? "";
  const name = /^[A-Za-z0-9.-]{1,64}$/.test(hostname) ? hostname : "urunc";
  const fields = [address, "", gateway ?? "", ipv4MaskText(prefix), name, "eth0", "off", ...ipv4Servers(network, 2)];
  return [`ip=${fields.join(":")}`];
}

/** The kernel takes no gateway that is outside of the subnet: urunit then makes the route. */
function routeWords({ ipv4 }: GuestNetwork): readonly string[] {
  if (ipv4?.gateway === undefined || isSameSubnet(ipv4.address, ipv4.gateway, ipv4.prefix)) return [];
  return ["URUNIT_DEFROUTE=1"];
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
