import type { Configuration, ContainerBootConfiguration } from "../config/configuration.ts";
import type { Guest } from "../guests/guest.ts";
import { GUESTS } from "../guests/registry.ts";
import type { Monitor } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import { VHOST_VSOCK_DEVICE } from "../monitors/vsock.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";
import { type BootFiles, bootFiles, isAllowed } from "./boot-files.ts";
import { bindMounts } from "./decide-mounts.ts";
import { mayHaveVolumes } from "./decide-volumes.ts";
import { libraryPaths } from "./libraries.ts";
import type { PlanInput } from "./plan-input.ts";

/** What has to be found out about host and image before the plan can be made; the answers are `HostFacts`. */
export interface FactQuery {
  /** uname machine, as it was given. */
  readonly arch: string;
  /** Absolute path of the monitor's program, or a name to look up in PATH. */
  readonly program: string;
  /** Whether its version matters. */
  readonly version: boolean;
  /** Whether it has to be found out if KVM works. */
  readonly kvm: boolean;
  /** Host paths whose existence matters. */
  readonly paths: readonly string[];
  /** The same for a dynamically linked program, and whether they are links. */
  readonly libraries: readonly string[];
  /** Device nodes whose existence matters. */
  readonly devices: readonly string[];
  /** Files of the image, by the path the image gave, to be resolved below the rootfs. */
  readonly imageFiles: readonly string[];
  /** Files of the host. */
  readonly hostFiles: readonly string[];
  /** A socket of the host; absent: none is needed. */
  readonly socket?: string;
  /** The one of these files that is the kernel: its format matters. */
  readonly kernel: string;
  /** Whether it matters what is mounted at the container's rootfs. */
  readonly rootfsMount: boolean;
  /** Sources of bind mounts of which it matters whether a block device is mounted there. */
  readonly volumes: readonly string[];
  /** Sources of bind mounts of which it matters whether they are files or directories. */
  readonly sources: readonly string[];
  /** Where virtiofsd may be, the first choice first; empty: it does not matter. */
  readonly virtiofsd: readonly string[];
  /** Whether guest-init has to be found where it was installed. */
  readonly guestInit: boolean;
}

/** Nodes every monitor gets. */
export const COMMON_DEVICES: readonly string[] = ["/dev/null", "/dev/urandom"];
/** For monitors that open their tap themselves. */
export const TUN_DEVICE = "/dev/net/tun";
export const KVM_DEVICE = "/dev/kvm";

/** A device node that only some configurations need, and what to do when the host has none. */
interface WantedDevice {
  readonly path: string;
  readonly advice: string;
}

/** Nodes that the monitor needs because it was asked for more than the common. */
export function wantedDevices(metadata: UnikernelMetadata, configuration: Configuration): readonly WantedDevice[] {
  const wanted: WantedDevice[] = [];
  if (metadata.monitor === "qemu" && configuration.monitors.qemu.vhost) {
    const advice = "load the kernel module vhost_net or set monitors.qemu.vhost to false";
    wanted.push({ path: "/dev/vhost-net", advice });
  }
  if (metadata.vaccel !== undefined && MONITORS[metadata.monitor].vsock === "vhost") {
    const advice = "load the kernel module vhost_vsock or remove the annotation com.urunc.unikernel.vAccel";
    wanted.push({ path: VHOST_VSOCK_DEVICE, advice });
  }
  return wanted;
}

export function factQuery(input: Omit<PlanInput, "facts" | "networks">, arch: string): FactQuery {
  const { metadata, configuration, spec, bundle } = input;
  const monitor: Monitor = MONITORS[metadata.monitor];
  const guest: Guest = GUESTS[metadata.guest];
  const settings = configuration.monitors[metadata.monitor];
  const kvm = monitor.accelerators.includes("kvm") && settings.accel !== "tcg";
  const data = monitor.dataFiles(settings).map((bind) => bind.source);
  const imageFiles = metadata.boot === undefined ? [metadata.binary] : [];
  const boot = bootFiles(metadata, configuration.containerBoot);
  // Without leave not even its existence is found out.
  const socket = configuration.runtime.vaccel ? metadata.vaccel?.socket : undefined;
  if (metadata.initrd !== undefined) imageFiles.push(metadata.initrd);
  if (metadata.block !== undefined) imageFiles.push(metadata.block.path);
  return {
    arch,
    program: settings.path === "" ? monitor.program(arch) : settings.path,
    version: monitor.versions !== undefined,
    kvm,
    paths: data,
    libraries: libraryPaths(arch),
    devices: [
      ...COMMON_DEVICES,
      ...(kvm ? [KVM_DEVICE] : []),
      ...wantedDevices(metadata, configuration).map(({ path }) => path),
    ],
    imageFiles,
    kernel: boot === undefined ? metadata.binary : boot.kernel,
    hostFiles: boot === undefined ? [] : hostFiles(boot, configuration.containerBoot),
    rootfsMount: metadata.mountRootfs && guest.rootFilesystems !== undefined,
    volumes: mayHaveVolumes(metadata) ? bindMounts(spec, bundle).map(({ source }) => source) : [],
    // Else it is told at start, when they are read.
    sources: configuration.runtime.strict ? bindMounts(spec, bundle).map(({ source }) => source) : [],
    virtiofsd: needsVirtiofsd(metadata) ? virtiofsdPlaces(configuration) : [],
    ...(socket === undefined ? {} : { socket }),
    guestInit: boot?.guestInit === "",
  };
}

function needsVirtiofsd({ mountRootfs, guest, monitor }: UnikernelMetadata): boolean {
  const { sharedRoots }: Guest = GUESTS[guest];
  const { shares }: Monitor = MONITORS[monitor];
  return mountRootfs && sharedRoots?.includes("virtiofs") === true && shares?.includes("virtiofs") === true;
}

/** Where distributions install it; the last is the older one that came with QEMU. */
const VIRTIOFSD: readonly string[] = ["/usr/libexec/virtiofsd", "/usr/lib/virtiofsd", "/usr/lib/qemu/virtiofsd"];

function virtiofsdPlaces({ virtiofsd }: Configuration): readonly string[] {
  return virtiofsd.path === "" ? VIRTIOFSD : [virtiofsd.path];
}

/** Of a file that is not allowed not even its existence is found out. */
function hostFiles(boot: BootFiles, configuration: ContainerBootConfiguration): readonly string[] {
  const named = [boot.kernel, boot.initrd ?? ""].filter((path) => path !== "" && isAllowed(path, configuration));
  return boot.guestInit === "" ? named : [...named, boot.guestInit];
}
