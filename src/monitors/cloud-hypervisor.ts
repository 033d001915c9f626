/** Cloud Hypervisor: a monitor over KVM for Linux guests (cloud-hypervisor, src/main.rs and vmm/src/config.rs). */
import type { GuestDisk } from "../guests/guest.ts";
import type { Judgement, Monitor, MonitorInput, Nic } from "./monitor.ts";
import type { NeededVersion } from "./versions.ts";
import { VSOCK_SOCKET } from "./vsock.ts";

/** VIRTIO_BLK_ID_BYTES: more is refused. */
const SERIAL_BYTES = 20;

export const cloudHypervisor: Monitor = {
  program: () => "cloud-hypervisor",
  versions: {
    answer: /^cloud-hypervisor v(\S+)$/m,
    // From 30.0 to 35.1 an option and its value could not be one argument (cloud-hypervisor, release-notes.md).
    oldest: { since: { major: 36, minor: 0, patch: 0 }, what: "a command line in one argument (--cmdline=)" },
    needs,
  },
  architectures: ["x86_64", "aarch64"],
  accelerators: ["kvm"],
  // The largest page of the hosts it runs on: memory has to be a multiple of the host's page.
  unicodeOnly: true,
  memoryUnit: 65536,
  maximumMemory: Number.MAX_SAFE_INTEGER,
  // More is possible on some hosts; one byte of APIC ids is always.
  maximumVcpus: 254,
  supportsInitrd: true,
  supportsBlock: true,
  supportsReadonlyBlock: true,
  tap: "descriptor",
  control: "cloud-hypervisor",
  shares: ["virtiofs"],
  vsock: "unix",
  argv,
  judge,
  dataFiles: () => [],
};

/** Without the type of the image a guest could have its disk taken for another format, so there is no way around it. */
function needs({ guest }: MonitorInput): readonly NeededVersion[] {
  if (guest.disks.length === 0) return [];
  return [{ since: { major: 50, minor: 1, patch: 0 }, what: "a disk that is taken as it is (image_type=raw)" }];
}

function argv(input: MonitorInput): readonly string[] {
  const { socketPath } = input.configuration;
  const { disks, monitorOptions, commandLine } = input.guest;
  return [
    input.binary,
    // Without a suffix the number is bytes.
    "--memory",
    `size=${input.memory}${input.share === undefined ? "" : ",shared=on"}`,
    "--cpus",
    `boot=${input.vcpus}`,
    "--kernel",
    input.kernel,
    "--console",
    "off",
    "--serial",
    "tty",
    "--seccomp",
    input.seccomp ? "true" : "false",
    ...(socketPath === "" ? [] : ["--api-socket", `path=${optionValue(socketPath)}`]),
    // Before 52.0 an option may be there once only.
    ...(disks.length === 0 ? [] : ["--disk", ...disks.map(diskOptions)]),
    ...(input.nics.length === 0 ? [] : ["--net", ...input.nics.map(netOptions)]),
    ...(input.share === undefined ? [] : ["--fs", `tag=${input.share.tag},socket=${input.share.path}`]),
    ...(input.vsock === undefined ? [] : ["--vsock", `cid=${input.vsock.cid},socket=${VSOCK_SOCKET}`]),
    ...(input.initrd === undefined ? [] : ["--initramfs", input.initrd]),
    ...monitorOptions,
    // One element: a command line that begins with a dash is none of its options.
    ...(commandLine === "" ? [] : [`--cmdline=${commandLine}`]),
  ];
}

/** The type is said: a raw image that looks like another format must not be taken for one. */
function diskOptions(disk: GuestDisk): string {
  const serial = disk.id.slice(0, SERIAL_BYTES);
  const path = optionValue(disk.path);
  return `path=${path},id=${disk.id},serial=${serial},readonly=${disk.readonly ? "on" : "off"},image_type=raw`;
}

/** The guest is told the MTU of the tap; to be given one here, it would have to be allowed to change the tap. */
function netOptions({ id, tap, fd, mac }: Nic): string {
  return `${fd === undefined ? `tap=${tap}` : `fd=[${fd}]`},mac=${mac},id=${id}`;
}

/** A value inside an option list: quotes keep commas in it together; our paths have no quotes. */
function optionValue(value: string): string {
  return /[,[\]]/.test(value) ? `"${value}"` : value;
}

/** The command line is checked by the library that holds it: printable ASCII only (linux-loader, cmdline). */
function judge(input: MonitorInput): Judgement {
  if (/^[ -~]*$/.test(input.guest.commandLine)) return { problems: [], warnings: [] };
  const message =
    "cloud-hypervisor: the command line may have printable ASCII characters only: change arguments and environment variables with others";
  return { problems: [{ code: "guest-argument", message }], warnings: [] };
}
