/**
 * Firecracker: a small monitor over KVM. It takes one JSON file; a member it does not know is an error (Firecracker,
 * src/firecracker/swagger/firecracker.yaml and src/vmm/src/resources.rs).
 */
import { utf8Size } from "../text-size.ts";
import { MEBIBYTE } from "../units.ts";
import type { Version } from "../version-number.ts";
import type { Judgement, Monitor, MonitorInput, WrittenFile } from "./monitor.ts";
import { untoldMtu } from "./mtu.ts";
import { isKnownSince, type NeededVersion } from "./versions.ts";
import { VSOCK_SOCKET } from "./vsock.ts";

/** Where the configuration lies in the monitor's root. */
const CONFIGURATION = "/guest/firecracker.json";

/** Bytes of a kernel command line with its NUL (CMDLINE_MAX_SIZE in src/vmm/src/arch), less the ` pci=off` it adds. */
const COMMAND_LINE = 2040;
/** Bytes that are added to it for each device, ` virtio_mmio.device=4K@0xc0001000:5`, and a few to spare. */
const DEVICE_PARAMETER = 40;

/** What the file holds, in the order it is written. */
export interface FirecrackerConfiguration {
  readonly "boot-source": {
    readonly kernel_image_path: string;
    readonly initrd_path?: string;
    readonly boot_args: string;
  };
  readonly "machine-config": {
    readonly vcpu_count: number;
    readonly mem_size_mib: number;
    readonly smt: false;
    readonly track_dirty_pages: false;
  };
  readonly drives: readonly FirecrackerDrive[];
  readonly "network-interfaces"?: readonly FirecrackerInterface[];
  readonly vsock?: { readonly guest_cid: number; readonly uds_path: string };
}

interface FirecrackerDrive {
  readonly drive_id: string;
  readonly path_on_host: string;
  readonly is_read_only: boolean;
  readonly is_root_device: false;
}

interface FirecrackerInterface {
  readonly iface_id: string;
  readonly guest_mac: string;
  readonly host_dev_name: string;
  /** Unknown before {@link MTU}. */
  readonly mtu?: number;
}

/** Versions from which on things are there (Firecracker, CHANGELOG.md). */
const PVH: Version = { major: 1, minor: 12, patch: 0 };
const MTU: Version = { major: 1, minor: 16, patch: 0 };

export const firecracker: Monitor = {
  program: () => "firecracker",
  versions: {
    answer: /^Firecracker v(\S+)$/m,
    // `smt` in machine-config, vsock without vsock_id.
    oldest: { since: { major: 1, minor: 0, patch: 0 }, what: "the configuration file that is written" },
    needs: neededVersions,
  },
  architectures: ["x86_64", "aarch64"],
  accelerators: ["kvm"],
  unicodeOnly: true,
  memoryUnit: MEBIBYTE,
  maximumMemory: Number.MAX_SAFE_INTEGER,
  // MAX_SUPPORTED_VCPUS in src/vmm/src/vmm_config/machine_config.rs.
  maximumVcpus: 32,
  supportsInitrd: true,
  supportsBlock: true,
  supportsReadonlyBlock: true,
  // It opens the device by its name only.
  tap: "name",
  control: "firecracker",
  vsock: "unix",
  argv,
  writtenFiles,
  judge,
  dataFiles: () => [],
};

function neededVersions({ guest }: MonitorInput): readonly NeededVersion[] {
  return guest.entersByPvh === true ? [{ since: PVH, what: "a kernel that has only a PVH entry" }] : [];
}

function argv(input: MonitorInput): readonly string[] {
  const { socketPath } = input.configuration;
  return [
    input.binary,
    ...(socketPath === "" ? ["--no-api"] : ["--api-sock", socketPath]),
    "--config-file",
    CONFIGURATION,
    ...(input.seccomp ? [] : ["--no-seccomp"]),
  ];
}

function writtenFiles(input: MonitorInput): readonly WrittenFile[] {
  return [{ path: CONFIGURATION, content: JSON.stringify(firecrackerConfiguration(input)) }];
}

/**
 * `boot_args` is there even when it is empty, since Firecracker has a default of its own. No drive is the root device:
 * for one that is, Firecracker adds `root=` behind the guest's own.
 */
export function firecrackerConfiguration(input: MonitorInput): FirecrackerConfiguration {
  const tellsMtu = isKnownSince(input.version, MTU);
  const interfaces = input.nics.map(({ id, mac, tap, mtu }) => ({
    iface_id: id,
    guest_mac: mac,
    host_dev_name: tap,
    ...(tellsMtu ? { mtu } : {}),
  }));
  return {
    "boot-source": {
      kernel_image_path: input.kernel,
      ...(input.initrd === undefined ? {} : { initrd_path: input.initrd }),
      boot_args: input.guest.commandLine,
    },
    "machine-config": {
      vcpu_count: input.vcpus,
      mem_size_mib: input.memory / MEBIBYTE,
      smt: false,
      track_dirty_pages: false,
    },
    drives: input.guest.disks.map((disk) => ({
      drive_id: disk.id,
      path_on_host: disk.path,
      is_read_only: disk.readonly,
      is_root_device: false,
    })),
    ...(interfaces.length === 0 ? {} : { "network-interfaces": interfaces }),
    ...(input.vsock === undefined ? {} : { vsock: { guest_cid: input.vsock.cid, uds_path: VSOCK_SOCKET } }),
  };
}

function judge(input: MonitorInput): Judgement {
  const { commandLine, disks } = input.guest;
  const devices = disks.length + input.nics.length + (input.vsock === undefined ? 0 : 1);
  const limit = COMMAND_LINE - devices * DEVICE_PARAMETER;
  const size = utf8Size(commandLine) + 1;
  if (size > limit) {
    const message = `firecracker: the command line has ${size} bytes, ${limit} are possible: pass fewer arguments or environment variables`;
    return { problems: [{ code: "command-line-too-long", message }], warnings: [] };
  }
  const problems = [];
  // It cuts white space off both ends; what it calls so is more than a blank (linux-loader, cmdline).
  if (withoutBlanks(commandLine) !== commandLine.trim()) {
    const message =
      "firecracker: a command line that begins or ends with white space other than a blank is not passed on";
    problems.push({ code: "guest-argument", message });
  }
  const remarks = disks
    .filter(({ mountPoint }) => mountPoint !== undefined && mountPoint !== "/")
    .map((disk) => `firecracker: disk ${disk.id} has no serial number in the guest, which finds it by its place only`);
  const lost = isKnownSince(input.version, MTU) ? [] : untoldMtu("firecracker", input);
  return { problems, warnings: lost, remarks };
}

/** A regular expression for blanks before the end takes the square of the time that their number takes. */
function withoutBlanks(text: string): string {
  let begin = 0;
  let end = text.length;
  while (begin < end && text[begin] === " ") begin += 1;
  while (end > begin && text[end - 1] === " ") end -= 1;
  return text.slice(begin, end);
}
