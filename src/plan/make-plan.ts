import { append } from "../few.ts";
import type { GuestDisk, GuestInput, GuestMount, GuestNeeds, SharedRoot } from "../guests/guest.ts";
import { GUESTS } from "../guests/registry.ts";
import type { Accelerator, MonitorInput } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import { type Result, refusal, success } from "../result.ts";
import { utf8Size } from "../text-size.ts";
import { versionText } from "../version-number.ts";
import { isBootDisk } from "./check-kernel.ts";
import { refuseBytes } from "./check-unicode.ts";
import {
  decideAccelerator,
  decideArguments,
  decideMemory,
  decideNamespaces,
  decideNics,
  decideVcpus,
  imageFile,
} from "./decide.ts";
import { decideCgroup } from "./decide-cgroup.ts";
import { decideDevices, decideHostFiles, decideImageFiles } from "./decide-files.ts";
import { decideBoot, decideInitrd, guestMounts, hasInitrd, mountsInPlace } from "./decide-initrd.ts";
import { decideMappings } from "./decide-mappings.ts";
import { bindMounts, decideMounts, loseDevices, loseOtherMounts, mountWay } from "./decide-mounts.ts";
import { decideRoot, type GuestRoot } from "./decide-root.ts";
import { decideShare, decideSharedRoot, mountsOfShare, sharePath } from "./decide-share.ts";
import { decideSysctls } from "./decide-sysctls.ts";
import { decideVersion, monitorVersion, refuseOlder } from "./decide-version.ts";
import { decideVolumes, type Volume } from "./decide-volumes.ts";
import { agentSocket, decideVsock, vsockDirectory, withAgent } from "./decide-vsock.ts";
import { TUN_DEVICE } from "./fact-query.ts";
import { BLOCK_TARGET, COPIED_KERNEL_TARGET, INITRD_TARGET, KERNEL_TARGET } from "./image-files.ts";
import { judgeMounts } from "./judge-mounts.ts";
import type { LaunchPlan, Tmpfs } from "./launch-plan.ts";
import { lose } from "./lose.ts";
import { decideMonitorUids } from "./monitor-user.ts";
import { networkSettings } from "./network-settings.ts";
import { type PlanInput, type Planning, rootfsPath } from "./plan-input.ts";

/** MAX_ARG_STRLEN: bytes of one argument of execve(2), with its NUL. */
const ARGUMENT_LIMIT = 131072;

/** The monitor's whole environment: nothing of the image's and nothing of the caller's. */
const ENVIRONMENT: readonly string[] = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"];

const TMPFS: readonly Tmpfs[] = [{ target: "/tmp", size: 64 * 1024 * 1024, mode: 0o1777, noexec: true }];

const DEFAULT_UMASK = 0o022;

/** Decides everything about one container, or says everything that stands against it. Never throws. */
export function makePlan(input: PlanInput): Result<LaunchPlan> {
  const { spec, metadata, configuration, facts } = input;
  const version = monitorVersion(input);
  const planning: Planning = {
    ...input,
    guest: GUESTS[metadata.guest],
    monitor: MONITORS[metadata.monitor],
    ...(version === undefined ? {} : { version }),
    settings: configuration.monitors[metadata.monitor],
    problems: [],
    warnings: [],
  };
  const { guest, monitor, settings, problems, warnings } = planning;
  if (!guest.monitors.includes(metadata.monitor)) {
    const message = `${metadata.guest} does not run on ${metadata.monitor}: it runs on ${guest.monitors.join(", ")}`;
    return refusal([{ code: "pair", message }]);
  }
  if (monitor.architectures?.includes(facts.arch) === false) {
    const message = `${metadata.monitor} runs on ${monitor.architectures.join(", ")} only: this host is ${facts.arch}`;
    return refusal([{ code: "arch", message }]);
  }
  decideVersion(planning);
  const root = decideRoot(planning);
  const binds = bindMounts(spec, input.bundle);
  const sharedRoot = decideSharedRoot(root, planning, binds);
  const host = decideHostFiles(planning, root.kind === "virtiofs" ? facts.virtiofsd : undefined);
  const accelerator = decideAccelerator(planning);
  const imageFiles = decideImageFiles(planning, root.kind);
  const bootFiles = decideBoot(planning);
  const memory = decideMemory(planning, root.kind);
  const vcpus = decideVcpus(planning);
  const namespaces = decideNamespaces(planning);
  const idMappings = decideMappings(planning);
  const sysctls = decideSysctls(planning);
  const volumes = decideVolumes(planning, root, binds);
  const takes = [
    ...(root.mount === undefined ? [] : [{ mount: root.mount, readonly: spec.root.readonly }]),
    ...volumes.map(({ mount, readonly }) => ({ mount, readonly })),
  ];
  const taken = takes.map(({ mount }) => ({ path: mount.source }));
  const devices = [...decideDevices(planning, accelerator), ...taken];
  const vsock = decideVsock(planning);
  const way = mountWay(planning, root);
  const files = binds.filter((bind) => !volumes.some((volume) => volume.bind === bind));
  const disks = volumes.map(({ bind }) => bind.destination);
  const mounts = decideMounts(planning, root, way, files, disks);
  loseOtherMounts(planning);
  loseDevices(planning);
  judgeMounts(planning, way, mounts, volumes);
  const network = networkSettings(spec.annotations, configuration, problems);
  const needs = askGuest(planning, {
    root,
    sharedRoot,
    mounts: [
      ...mountsInPlace(volumes.map(({ bind }) => bind)),
      ...(way === "initrd" ? guestMounts(mounts, root.kind) : []),
      ...(sharedRoot === undefined ? [] : mountsOfShare(planning, sharedRoot, mounts)),
    ],
    volumes,
    accelerator,
  });
  if (needs === undefined || problems.length > 0) return refusal(problems);
  for (const loss of needs.warnings) lose(planning, loss);
  append(warnings, needs.remarks ?? []);
  const nics = decideNics(planning, needs.nics);

  const initrd = decideInitrd(planning, needs, memory, root.kind, way === "initrd" ? mounts : []);
  const monitorUids = decideMonitorUids(planning, sharedRoot?.kind === "9p");
  const share = decideShare(sharedRoot, way === "share" ? mounts : [], planning);
  const initrdTarget = initrd?.target ?? (metadata.initrd === undefined ? undefined : INITRD_TARGET);
  const launch: MonitorInput = {
    binary: host.binary,
    ...(version === undefined ? {} : { version }),
    arch: facts.arch,
    kernel: imageFiles.some((file) => file.copied) ? COPIED_KERNEL_TARGET : KERNEL_TARGET,
    ...(initrdTarget === undefined ? {} : { initrd: initrdTarget }),
    memory,
    vcpus,
    accelerator,
    ...(facts.cpuVendor === undefined ? {} : { cpuVendor: facts.cpuVendor }),
    seccomp: spec.linux.seccomp || configuration.runtime.seccomp === "always",
    guest: needs,
    application: needs.application ?? { args: decideArguments(planning), env: withAgent(spec.process.env, metadata) },
    nics,
    ...(share === undefined ? {} : { share: { ...share, path: sharePath(share) } }),
    ...(vsock === undefined ? {} : { vsock }),
    configuration: settings,
  };
  refuseOlder(planning, monitor.versions?.needs?.(launch) ?? []);
  append(problems, refuseBytes(metadata.monitor, monitor, launch));
  if (problems.length > 0) return refusal(problems);
  const judgement = monitor.judge?.(launch);
  if (judgement !== undefined) {
    if (judgement.problems.length > 0) return refusal(judgement.problems);
    for (const loss of judgement.warnings) lose(planning, loss);
    append(warnings, judgement.remarks ?? []);
  }
  if (needs.commandLine.length * 3 >= ARGUMENT_LIMIT && utf8Size(needs.commandLine) >= ARGUMENT_LIMIT) {
    const message = `${metadata.guest}: the command line is longer than an argument of a program may be: pass fewer arguments or environment variables`;
    return refusal([{ code: "command-line-too-long", message }]);
  }
  if (spec.linux.seccompListener) {
    warnings.push("linux.seccomp.listenerPath: nobody will be notified: the monitor has a list of its own");
  }
  append(
    warnings,
    (spec.linux.unused ?? []).map((key) => `${key}: not used for a unikernel`),
  );
  if (problems.length > 0) return refusal(problems);
  const cgroup = decideCgroup(planning, memory, accelerator, initrd?.limit ?? 0);
  const { uid, gid, additionalGids, umask } = spec.process.user;
  const binaryFiles = monitor.binaryFiles?.(launch) ?? [];
  const { monitorId } = planning;
  const plan: LaunchPlan = {
    guest: metadata.guest,
    monitor: metadata.monitor,
    ...(version === undefined ? {} : { monitorVersion: versionText(version) }),
    accelerator,
    memory,
    vcpus,
    commandLine: needs.commandLine,
    exec: { path: host.binary, argv: monitor.argv(launch), env: ENVIRONMENT },
    disks: needs.disks,
    ...(needs.debugExit === undefined ? {} : { debugExit: needs.debugExit }),
    ...controlOf(planning),
    ...(network.mode === "dynamic" && network.ports.length === 0 ? {} : { network }),
    ...(vsock === undefined ? {} : { vsock }),
    nics,
    namespaces,
    ...(idMappings === undefined ? {} : { idMappings }),
    rootfs: rootfsPath(input),
    root,
    ...(share === undefined ? {} : { share }),
    takes,
    ...(way === "rootfs" && mounts.length > 0 ? { rootfsCopies: mounts } : {}),
    // What goes into a made initrd is read there.
    imageFiles: initrd === undefined ? imageFiles : imageFiles.filter((file) => file.target !== INITRD_TARGET),
    ...(initrd === undefined ? {} : { initrd }),
    hostFiles: [...host.files, ...bootFiles, ...agentSocket(planning)],
    links: host.links,
    files: [...(monitor.writtenFiles?.(launch) ?? []), ...(needs.files ?? [])],
    ...(binaryFiles.length === 0 ? {} : { binaryFiles }),
    tmpfs: [...TMPFS, ...vsockDirectory(planning)],
    devices: nics.some(({ fd }) => fd === undefined) ? [...devices, { path: TUN_DEVICE }] : devices,
    ...(cgroup === undefined ? {} : { cgroup }),
    user: { uid, gid, additionalGids, umask: umask ?? DEFAULT_UMASK },
    ...(monitorUids === undefined ? {} : { monitorUids }),
    ...(monitorId === undefined ? {} : { monitorId }),
    capabilities: [],
    noNewPrivileges: true,
    seccomp: launch.seccomp,
    ...(spec.process.apparmorProfile === undefined ? {} : { apparmorProfile: spec.process.apparmorProfile }),
    ...(spec.process.selinuxLabel === undefined ? {} : { selinuxLabel: spec.process.selinuxLabel }),
    ...(sysctls.length === 0 ? {} : { sysctls }),
    rlimits: spec.process.rlimits,
    ...(spec.process.oomScoreAdj === undefined ? {} : { oomScoreAdj: spec.process.oomScoreAdj }),
    ...(spec.process.scheduler === undefined ? {} : { scheduler: spec.process.scheduler }),
    ...(spec.process.ioPriority === undefined ? {} : { ioPriority: spec.process.ioPriority }),
    ...(spec.linux.personality === undefined ? {} : { personality: spec.linux.personality }),
    ...(spec.linux.timeOffsets === undefined ? {} : { timeOffsets: spec.linux.timeOffsets }),
    ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
    ...(spec.domainname === undefined ? {} : { domainname: spec.domainname }),
    terminal: spec.process.terminal,
  };
  return success(plan, warnings);
}

function controlOf({ monitor, settings }: Planning): Pick<LaunchPlan, "control"> {
  const { gracefulShutdown, socketPath, shutdownTimeout } = settings;
  if (!gracefulShutdown || monitor.control === undefined) return {};
  return { control: { protocol: monitor.control, socket: socketPath, timeout: shutdownTimeout } };
}

interface RootInput {
  readonly root: GuestRoot;
  readonly sharedRoot: SharedRoot | undefined;
  readonly mounts: readonly GuestMount[];
  readonly volumes: readonly Volume[];
  readonly accelerator: Accelerator;
}

/** The disk: the file system of the rootfs, or the block image of the annotations. */
function blockOf(
  { metadata, spec, guest }: Planning,
  { mount }: GuestRoot,
): Pick<GuestInput, "block" | "blockIsRootfs"> {
  const { readonly } = spec.root;
  if (mount !== undefined) {
    return { block: { path: mount.source, mountPoint: guest.rootfsPlace ?? "/", readonly }, blockIsRootfs: true };
  }
  if (metadata.block === undefined) return {};
  return { block: { path: BLOCK_TARGET, mountPoint: metadata.block.mountPoint, readonly } };
}

function askGuest(planning: Planning, input: RootInput): GuestNeeds | undefined {
  const { root, sharedRoot, mounts, volumes, accelerator } = input;
  const { metadata, spec, facts, guest, problems } = planning;
  const answer = guest.needs({
    monitor: metadata.monitor,
    arch: facts.arch,
    args: decideArguments(planning),
    env: withAgent(spec.process.env, metadata),
    version: metadata.version,
    initrd: hasInitrd(planning),
    ...(accelerator === "tcg" ? { emulated: true } : {}),
    ...(metadata.boot === undefined ? {} : { containerBoot: true }),
    ...(planning.settings.console === "virtio" ? { virtioConsole: true } : {}),
    process: {
      cwd: spec.process.cwd,
      uid: spec.process.user.uid,
      gid: spec.process.user.gid,
      additionalGids: spec.process.user.additionalGids,
      terminal: spec.process.terminal,
      ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
    },
    ...blockOf(planning, root),
    ...(isBootDisk(planning, imageFile(planning, metadata.binary)) ? { bootDisk: true } : {}),
    ...(sharedRoot === undefined ? {} : { sharedRoot }),
    mounts,
    ...(volumes.length === 0 ? {} : { volumes: volumes.map(diskOf) }),
    ...solo5Devices(planning),
    networks: planning.monitor.tap === undefined ? [] : planning.networks.map((network) => network.guest),
    ...(metadata.solo5NetDevice === undefined ? {} : { netDevice: metadata.solo5NetDevice }),
    ...(metadata.solo5BlockDevice === undefined ? {} : { blockDevice: metadata.solo5BlockDevice }),
  });
  if ("needs" in answer) return answer.needs;
  append(problems, answer.problems);
  return undefined;
}

function diskOf({ id, mount, bind, readonly }: Volume): GuestDisk {
  return { id, path: mount.source, mountPoint: bind.destination, readonly };
}

function solo5Devices(planning: Planning): Pick<GuestInput, "devices"> {
  const fact = imageFile(planning, planning.metadata.binary);
  const kernel = fact?.found ? fact.kernel : undefined;
  const devices = kernel?.format === "elf" ? kernel.solo5?.devices : undefined;
  return devices === undefined ? {} : { devices };
}
