/**
 * Linux: kernel parameters, then `init=` and after `--` the arguments of init (Linux,
 * Documentation/admin-guide/kernel-parameters.rst). Words `NAME=VALUE` that are no parameter of the kernel become
 * init's environment; an init of the urunit convention reads its environment and identity from a text instead.
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText, isSameSubnet } from "../netlink/address.ts";
import { guestProblem, tooLong } from "./command-line.ts";
import { debugExitStatus } from "./debug-exit.ts";
import type { Guest, GuestAnswer, GuestDisk, GuestInput, SharedRoot } from "./guest.ts";
import { EXIT_PORT, hasDebugExit, type InitKind, initText, MOST_NICS, SHARE_OPTIONS } from "./linux-init.ts";
import { environmentWord, initWord, isUrunit, urunitWord } from "./linux-words.ts";
import { type GuestNetwork, ipv4Servers, lostAddress, nicIds } from "./network.ts";

/** COMMAND_LINE_SIZE of x86_64 and arm64, with the NUL. */
const COMMAND_LINE = 2048;

/** CONFIG_INIT_ENV_ARG_LIMIT is 32 unless configured otherwise; two variables are the kernel's own. More is a panic. */
const USUAL_VARIABLES = 30;
const USUAL_ARGUMENTS = 31;

export const linux: Guest = {
  monitors: ["qemu", "firecracker", "cloud-hypervisor"],
  supportsInitrd: true,
  mountsInInitrd: "appended",
  rootFilesystems: ["ext2", "ext3", "ext4"],
  supportsBlock: true,
  mountsVolumes: ([init = ""], containerBoot) => kindOfInit(containerBoot, init) !== "other",
  mountsWithOptions: ([init = ""], containerBoot) => kindOfInit(containerBoot, init) === "guest-init",
  hasPrograms: true,
  sharedRoots: ["virtiofs", "9p"],
  minimumMemory: 32 * 1024 * 1024,
  needs,
  // guest-init powers off for 0, so 1 is the machine's or QEMU's own failure.
  exitStatus: (monitorStatus) => (monitorStatus === 1 ? undefined : debugExitStatus(monitorStatus)),
};

/** Where our own init lies in an initrd that we make; it removes itself. */
export const OWN_INIT = "/.urunc/init";

/** `other`: an init that knows of no configuration. */
function kindOfInit(containerBoot: boolean, init: string): InitKind | "other" {
  if (containerBoot || init.endsWith("/guest-init")) return "guest-init";
  return isUrunit(init) ? "urunit" : "other";
}

function needs(input: GuestInput): GuestAnswer {
  const [first, ...rest] = input.args;
  if (!first) return { problems: [guestProblem("linux: no init was specified: set process.args")] };
  const problems: Problem[] = [];
  const kind = kindOfInit(input.containerBoot === true, first);
  const [init, args] = input.containerBoot === true ? [OWN_INIT, input.args] : [first, rest];
  const isOwn = kind === "guest-init";
  // guest-init sets the network up by itself, and a kernel told to would wait for drivers that are modules.
  const network = isOwn ? undefined : input.networks[0];
  if (isOwn && args.length === 0) {
    problems.push(guestProblem("linux: guest-init was given no program: add it to process.args"));
  }
  const hasRamRoot = input.initrd;
  const debugExit = isOwn && hasDebugExit(input);
  const attached = disks(input);
  const words = [
    "panic=-1",
    ...monitorWords(input),
    // The output is the application's.
    ...(input.containerBoot === true ? ["quiet"] : []),
    ...rootWords(input),
    ...(network === undefined ? [] : addressWords(network)),
    ...(kind === "other" ? input.env.map((entry) => environmentWord(entry, problems)) : configurationWords(hasRamRoot)),
    ...(network === undefined ? [] : routeWords(network)),
    // Here and not in the configuration: it counts before that is read, too.
    ...(debugExit ? [`guest_init.exit_port=${EXIT_PORT}`] : []),
    `${hasRamRoot ? "rdinit" : "init"}=${initWord(init, problems)}`,
    ...(isOwn ? [] : ["--", argumentWords(kind, args, problems)]),
  ];
  const commandLine = words.join(" ");
  problems.push(...tooLong(commandLine, COMMAND_LINE, "linux"));
  const volumes = isRoot(input) ? attached.slice(1) : attached;
  const text = kind === "other" ? undefined : initText(kind, input, args, volumes, problems);
  if (problems.length > 0) return { problems };
  return {
    needs: {
      commandLine,
      disks: attached,
      nics: nicIds(input.networks, isOwn ? MOST_NICS : 1),
      ...(isOwn ? { knowsMtu: true } : {}),
      ...(input.virtioConsole === true ? { virtioConsole: true } : {}),
      monitorOptions: debugExit ? ["-device", `isa-debug-exit,iobase=${EXIT_PORT},iosize=4`] : [],
      ...(text === undefined ? {} : { initConfiguration: { form: hasRamRoot ? "file" : "raw", text } }),
      ...(debugExit ? { debugExit, freeExitValue: 0 } : {}),
      // urunit ends so; a kernel that panics resets the machine as well.
      ...(kind === "urunit" ? { endsByReset: true } : {}),
      warnings: lostAddress("linux", network),
      remarks: limits(kind === "other" ? input.env : [], isOwn ? [] : args),
    },
  };
}

/** Without an archive the text itself stands where an initrd would, and the kernel must keep it. */
function configurationWords(hasRamRoot: boolean): readonly string[] {
  return hasRamRoot ? ["URUNIT_CONFIG=/urunit.conf"] : ["retain_initrd", "URUNIT_CONFIG=/sys/firmware/initrd"];
}

function argumentWords(kind: InitKind | "other", args: readonly string[], problems: Problem[]): string {
  const word = kind === "urunit" ? urunitWord : initWord;
  return args.map((argument) => word(argument, problems)).join(" ");
}

/**
 * The virtio console where it is asked for, else the serial port of each machine.
 *
 * Firecracker ends with 0 when the keyboard controller resets it, and with 1 when the processor shuts down by a triple
 * fault (Firecracker, src/vmm/src/vstate/vcpu.rs). An init of the image's ends by the first, which the kernel then does
 * after a panic, too; ours writes to the controller itself and leaves the second to the kernel.
 *
 * In emulation on a busy host the kernel's check of the timer at boot sees no ticks in time and panics ("IO-APIC + timer
 * doesn't work"); the machine's timer works, so the check is left out. KVM's guests leave it out by themselves.
 */
function monitorWords(input: GuestInput): readonly string[] {
  const isArm = input.arch === "aarch64";
  const console =
    input.virtioConsole === true ? "hvc0" : isArm && input.monitor !== "firecracker" ? "ttyAMA0" : "ttyS0";
  if (isArm) return [`console=${console}`];
  if (input.monitor === "firecracker") {
    const ways = input.containerBoot === true ? ["reboot=t", "guest_init.keyboard_reset"] : ["reboot=k"];
    return [`console=${console}`, ...ways];
  }
  return [`console=${console}`, ...(input.emulated === true ? ["no_timer_check"] : [])];
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

/** An initrd is the root when there is one, else a share or a disk at `/`; without any the kernel brings its own. */
function rootWords(input: GuestInput): readonly string[] {
  if (input.initrd) return ["root=/dev/ram0 rw"];
  if (input.sharedRoot !== undefined) return shareWords(input.sharedRoot);
  if (input.block?.mountPoint !== "/") return [];
  return [`root=/dev/vda ${input.block.readonly ? "ro" : "rw"}`];
}

function shareWords({ kind, tag, readonly }: SharedRoot): readonly string[] {
  const words = [`root=${tag} ${readonly ? "ro" : "rw"} rootfstype=${kind}`];
  return kind === "9p" ? [...words, `rootflags=${SHARE_OPTIONS[kind]}`] : words;
}

const ROOT_DISK = "rootfs";

/**
 * The serial number, by which a guest finds a disk, is the id; init programs read up to nine characters of it. On
 * Firecracker, which has no serial numbers, the prefix tells them to go by the order.
 */
function disks(input: GuestInput): readonly GuestDisk[] {
  const { block, volumes = [] } = input;
  const all = block === undefined ? volumes : [{ id: isRoot(input) ? ROOT_DISK : "annot_vol", ...block }, ...volumes];
  return input.monitor === "firecracker" ? all.map((disk) => ({ ...disk, id: `FC${disk.id}` })) : all;
}

function isRoot({ block, initrd }: GuestInput): boolean {
  return block?.mountPoint === "/" && !initrd;
}

function limits(env: readonly string[], args: readonly string[]): readonly string[] {
  const remarks: string[] = [];
  if (env.length > USUAL_VARIABLES) {
    remarks.push(
      `linux: ${env.length} environment variables: a kernel with the usual CONFIG_INIT_ENV_ARG_LIMIT panics above ${USUAL_VARIABLES}`,
    );
  }
  if (args.length > USUAL_ARGUMENTS) {
    remarks.push(
      `linux: ${args.length} arguments: a kernel with the usual CONFIG_INIT_ENV_ARG_LIMIT panics above ${USUAL_ARGUMENTS}`,
    );
  }
  return remarks;
}
