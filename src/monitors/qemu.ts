/** QEMU's system emulator (QEMU 7.2, docs/system/invocation). */
import type { MonitorConfiguration } from "../config/configuration.ts";
import type { GuestDisk } from "../guests/guest.ts";
import type { Version } from "../version-number.ts";
import type { BinaryFile, HostBind, Judgement, Monitor, MonitorInput } from "./monitor.ts";
import { nicOptions } from "./qemu-nic.ts";
import { RESET_PORT, RESET_ROM_SIZE, resetRom } from "./reset-rom.ts";
import { isKnownSince, type NeededVersion } from "./versions.ts";

/** Where QEMU looks for its firmware and option ROMs in the root we make for it. */
const DATA = "/usr/share/qemu";
/** Debian and others keep the firmware here and link to it; QEMU looks here by itself too. */
const FIRMWARE = "/usr/share/seabios";
/** Where the ROM that ends QEMU after a reset lies in its root. */
const RESET_ROM = "/guest/reset.rom";

/** From here on QEMU can fail when a guest says that it has panicked (QEMU, system/runstate). */
const EXIT_FAILURE: Version = { major: 7, minor: 2, patch: 0 };

/**
 * MiB of translated code that software emulation keeps; QEMU's own choice is up to 1024, which would all have to be in
 * the cgroup's limit. Debian's kernel and a shell with thousands of processes fill 44 MB (docs/resources.md).
 */
export const TRANSLATION_CACHE = 128;

export const qemu: Monitor = {
  program: (arch) => `qemu-system-${arch}`,
  versions: {
    answer: /^QEMU emulator version (\S+)/m,
    // The machine microvm, and `multidevs` of 9p.
    oldest: { since: { major: 4, minor: 2, patch: 0 }, what: "the options that are written" },
    needs,
  },
  accelerators: ["kvm", "tcg"],
  // QEMU rounds RAM up to 8 KiB; a guest must not get more than its limit.
  memoryUnit: 8192,
  // What a machine can have is QEMU's to say.
  maximumMemory: Number.MAX_SAFE_INTEGER,
  maximumVcpus: 255,
  supportsInitrd: true,
  supportsBlock: true,
  supportsReadonlyBlock: true,
  control: "qmp",
  shares: ["virtiofs", "9p"],
  vsock: "vhost",
  tap: "descriptor",
  argv,
  binaryFiles,
  judge,
  dataFiles,
};

/** The cache's size as an option of the accelerator, and a memory backend as the machine's whole memory, are of 5.0. */
function needs({ accelerator, share }: MonitorInput): readonly NeededVersion[] {
  const since: Version = { major: 5, minor: 0, patch: 0 };
  return [
    ...(accelerator === "tcg" ? [{ since, what: "software emulation with a limited cache (tb-size)" }] : []),
    ...(share?.kind === "virtiofs" ? [{ since, what: "a share by virtiofs (memory-backend)" }] : []),
  ];
}

function argv(input: MonitorInput): readonly string[] {
  const machine = machineOf(input);
  const { socketPath } = input.configuration;
  return [
    input.binary,
    "-L",
    DATA,
    "-no-user-config",
    "-nodefaults",
    "-M",
    input.share?.kind === "virtiofs" ? `${machine},memory-backend=memory` : machine,
    "-accel",
    input.accelerator === "kvm" ? "kvm" : `tcg,tb-size=${TRANSLATION_CACHE}`,
    "-cpu",
    cpuModel(input),
    "-smp",
    `${input.vcpus}`,
    "-m",
    `${input.memory}B`,
    ...shareOptions(input, machine),
    "-display",
    "none",
    "-vga",
    "none",
    "-monitor",
    "none",
    // signal=off: Ctrl-C on the terminal is a character for the guest, not the end of the monitor.
    "-chardev",
    "stdio,id=console,signal=off",
    ...consoleOptions(input, machine),
    ...(socketPath === "" ? [] : ["-qmp", `unix:${optionValue(socketPath)},server=on,wait=off`]),
    ...nicOptions(input, machine === "microvm" || machine === "virt"),
    ...endOptions(input, machine),
    ...(input.seccomp ? ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"] : []),
    ...input.guest.disks.flatMap((disk) => diskOptions(disk, machine)),
    ...vsockOptions(input, machine),
    ...(input.guest.startsFromDisk ? [] : ["-kernel", input.kernel]),
    ...(input.initrd === undefined ? [] : ["-initrd", input.initrd]),
    ...input.guest.monitorOptions,
    ...(input.guest.commandLine === "" ? [] : ["-append", input.guest.commandLine]),
  ];
}

/**
 * What a guest's failure is to QEMU, which by itself ends with 0 after every reset and every panic that it is told of.
 * Neither the firmware of microvm nor that of arm64 has a place for the ROM.
 */
function endOptions(input: MonitorInput, machine: string): readonly string[] {
  const isPc = machine === "pc" || machine === "q35";
  const panic = isKnownSince(input.version, EXIT_FAILURE) && machine !== "microvm";
  return [
    ...(hasResetRom(input)
      ? ["-option-rom", RESET_ROM, "-device", `isa-debug-exit,iobase=0x${RESET_PORT.toString(16)},iosize=1`]
      : ["-no-reboot"]),
    ...(panic ? ["-device", isPc ? "pvpanic" : "pvpanic-pci", "-action", "panic=exit-failure"] : []),
  ];
}

function hasResetRom(input: MonitorInput): boolean {
  const machine = machineOf(input);
  return (machine === "pc" || machine === "q35") && input.guest.endsByReset !== true;
}

function binaryFiles(input: MonitorInput): readonly BinaryFile[] {
  if (!hasResetRom(input)) return [];
  return [{ path: RESET_ROM, digits: resetRom(input.guest.freeExitValue ?? 127), size: RESET_ROM_SIZE }];
}

function consoleOptions(input: MonitorInput, machine: string): readonly string[] {
  if (input.guest.virtioConsole !== true) return ["-serial", "chardev:console"];
  const bus = machine === "microvm" ? "virtio-serial-device" : "virtio-serial-pci";
  return ["-device", bus, "-device", "virtconsole,chardev=console"];
}

/** `pc` boots every guest, with KVM and without; see docs/monitors/qemu.md. */
function machineOf(input: MonitorInput): string {
  const { machine } = input.configuration;
  if (machine !== "auto") return machine;
  return input.arch === "aarch64" ? "virt" : "pc";
}

function judge(input: MonitorInput): Judgement {
  const machine = machineOf(input);
  const isArm = input.arch === "aarch64";
  if (isArm !== (machine === "virt")) {
    const able = isArm ? '"virt"' : '"pc", "q35" or "microvm"';
    const message = `qemu: monitors.qemu.machine is ${machine}, which ${input.arch} does not have: set it to "auto" or ${able}`;
    return { problems: [{ code: "machine", message }], warnings: [] };
  }
  if (machine !== "microvm" || input.accelerator === "kvm") return { problems: [], warnings: [] };
  const warning =
    "qemu: the machine microvm in software emulation hangs at times before the guest's first output: choose pc or q35";
  return { problems: [], warnings: [], remarks: [warning] };
}

/**
 * On AMD, KVM offers a feature register that only Intel processors have, and QEMU before 10.1 ends when newer kernels
 * refuse the value it copies there ("failed to set MSR 0x10a"). Later ones do without, and are not harmed.
 */
function cpuModel(input: MonitorInput): string {
  if (input.accelerator !== "kvm") return "max";
  return input.cpuVendor === "amd" ? "host,arch-capabilities=off" : "host";
}

function diskOptions(disk: GuestDisk, machine: string): readonly string[] {
  // By itself QEMU stops the machine for good when the host's disk is full; the guest is told of the error instead.
  const access = disk.readonly ? "readonly=on" : "werror=report";
  return [
    "-drive",
    `format=raw,if=none,id=${disk.id},file=${optionValue(disk.path)},${access}`,
    "-device",
    `${machine === "microvm" ? "virtio-blk-device" : "virtio-blk-pci"},serial=${disk.id},drive=${disk.id}`,
  ];
}

/**
 * The server of virtiofs reads and writes the guest's memory, which therefore is a file it can map. For 9p QEMU itself
 * does what the guest asks for (QEMU, "9pfs" in docs/system/invocation; multidevs: bind mounts are other devices).
 */
function shareOptions({ share, memory }: MonitorInput, machine: string): readonly string[] {
  if (share === undefined) return [];
  const device = (name: string) => `${name}-${machine === "microvm" ? "device" : "pci"}`;
  if (share.kind === "virtiofs") {
    return [
      "-object",
      `memory-backend-memfd,id=memory,size=${memory},share=on`,
      "-chardev",
      `socket,id=${share.tag},path=${share.path}`,
      "-device",
      `${device("vhost-user-fs")},queue-size=1024,chardev=${share.tag},tag=${share.tag}`,
    ];
  }
  const access = share.readonly ? ",readonly=on" : "";
  return [
    "-fsdev",
    `local,id=${share.tag},path=${share.path},security_model=none,multidevs=remap${access}`,
    "-device",
    `${device("virtio-9p")},fsdev=${share.tag},mount_tag=${share.tag}`,
  ];
}

function vsockOptions({ vsock }: MonitorInput, machine: string): readonly string[] {
  if (vsock === undefined) return [];
  const device = machine === "microvm" ? "vhost-vsock-device" : "vhost-vsock-pci";
  return ["-device", `${device},id=vhost-vsock-pci0,guest-cid=${vsock.cid}`];
}

/** A value inside an option list: a comma in it is written twice (QEMU, docs/system/invocation, "-drive"). */
function optionValue(value: string): string {
  return value.replaceAll(",", ",,");
}

function dataFiles(configuration: MonitorConfiguration): readonly HostBind[] {
  const parent = configuration.dataPath;
  if (parent !== "") {
    return [
      { source: `${parent}/qemu`, target: DATA, optional: false },
      { source: `${parent}/seabios`, target: FIRMWARE, optional: true },
    ];
  }
  return [
    { source: "/usr/local/share/qemu", target: DATA, optional: false },
    { source: "/usr/share/qemu", target: DATA, optional: false },
    { source: "/usr/local/share/seabios", target: FIRMWARE, optional: true },
    { source: "/usr/share/seabios", target: FIRMWARE, optional: true },
  ];
}
