/** The single decisions of a plan: each answers a value and notes what stands against it. */
import type { Accelerator, Nic } from "../monitors/monitor.ts";
import type { Namespace } from "../oci/spec.ts";
import { MEBIBYTE } from "../units.ts";
import type { RootKind } from "./decide-root.ts";
import type { ImageFileFact } from "./host-facts.ts";
import { lose } from "./lose.ts";
import type { Planning } from "./plan-input.ts";

type FoundFile = Extract<ImageFileFact, { readonly found: true }>;

/** KVM where it works; software emulation only where the monitor has it and the configuration allows it. */
export function decideAccelerator(planning: Planning): Accelerator {
  const { monitor, settings, facts, metadata } = planning;
  const [preferred] = monitor.accelerators;
  if (preferred !== "kvm") return preferred;
  const canEmulate = monitor.accelerators.includes("tcg");
  if (canEmulate && settings.accel === "tcg") return "tcg";
  if (facts.kvmProblem === undefined) return "kvm";
  if (canEmulate && settings.accel === "auto") {
    planning.warnings.push(
      `${metadata.monitor}: KVM cannot be used (${facts.kvmProblem}): the guest runs in software emulation and is slow`,
    );
    return "tcg";
  }
  const other = canEmulate ? `, or set monitors.${metadata.monitor}.accel to "auto" or "tcg"` : "";
  const message = `${metadata.monitor}: KVM cannot be used (${facts.kvmProblem}): ${kvmAdvice(facts.kvmProblem)}${other}`;
  planning.problems.push({ code: "no-kvm", message });
  return "kvm";
}

/** By the error of opening /dev/kvm, which the text ends with. */
function kvmAdvice(problem: string): string {
  const mayNot = problem.endsWith("(EACCES)") || problem.endsWith("(EPERM)");
  return mayNot
    ? "give this user the right to /dev/kvm"
    : "load the host's kernel module of KVM, for which the processor's virtualisation has to be switched on";
}

/** The spec's limit is the guest's memory; without one the configuration's default. Never more than either says. */
export function decideMemory(planning: Planning, root: RootKind): number {
  const { spec, monitor, guest, metadata, settings } = planning;
  const limit = spec.linux.memoryLimit;
  const wanted = limit ?? settings.defaultMemoryMb * MEBIBYTE;
  const memory = wanted - (wanted % monitor.memoryUnit);
  const source =
    limit === undefined ? `monitors.${metadata.monitor}.default_memory_mb` : "linux.resources.memory.limit";
  if (memory > monitor.maximumMemory) {
    const message = `guest memory: ${source} gives ${inMebibytes(wanted)}, more than ${metadata.monitor} can`;
    planning.problems.push({ code: "memory", message });
  } else if (memory < guest.minimumMemory) {
    const message = `guest memory: ${source} gives ${inMebibytes(wanted)}, ${metadata.guest} needs at least ${inMebibytes(guest.minimumMemory)}`;
    planning.problems.push({ code: "memory", message });
  } else if (memory < (monitor.minimumMemory ?? 0)) {
    const message = `guest memory: ${source} gives ${inMebibytes(wanted)}, ${metadata.monitor} needs at least ${inMebibytes(monitor.minimumMemory ?? 0)}`;
    planning.problems.push({ code: "memory", message });
  }
  const initrd = metadata.initrd === undefined ? undefined : imageFile(planning, metadata.initrd);
  if (initrd?.found && initrd.size >= memory && memory >= guest.minimumMemory) {
    const message = `guest memory: the initrd ${metadata.initrd} has ${initrd.size} bytes, ${source} gives ${memory}`;
    planning.problems.push({ code: "memory", message });
  }
  const kernel = imageFile(planning, metadata.binary);
  if (kernel?.found && kernel.size > memory && isLoadedWhole(kernel, root) && memory >= guest.minimumMemory) {
    const message = `guest memory: the kernel ${metadata.binary} has ${kernel.size} bytes, ${source} gives ${memory}`;
    planning.problems.push({ code: "memory", message });
  }
  return memory;
}

/**
 * Whether all of a kernel file comes into memory. Of an ELF file, which may be larger by what debuggers want, a monitor
 * takes parts; but a copy of it is the host's memory, which no limit of the container counts.
 */
function isLoadedWhole({ kernel }: FoundFile, root: RootKind): boolean {
  return root === "rootfs-block" || !(kernel?.format === "elf" || kernel?.format === "boot-disk");
}

export function inMebibytes(bytes: number): string {
  const mebibytes = bytes / MEBIBYTE;
  return Number.isInteger(mebibytes) ? `${mebibytes} MiB` : `${bytes} bytes`;
}

/** As many as the CPU quota pays for, rounded up; without one the configuration's default. */
export function decideVcpus(planning: Planning): number {
  const { monitor, settings, metadata, spec } = planning;
  const limit = spec.linux.cpuLimit;
  const wanted = limit === undefined ? settings.defaultVcpus : Math.max(1, Math.ceil(limit.quota / limit.period));
  const most = monitor.maximumVcpus;
  if (wanted <= most) return wanted;
  const source =
    limit === undefined
      ? `monitors.${metadata.monitor}.default_vcpus is ${wanted}`
      : `linux.resources.cpu asks for ${wanted}`;
  lose(planning, `${metadata.monitor} gives a guest ${most} virtual CPU${most === 1 ? "" : "s"} at most: ${source}`);
  return most;
}

/** Arguments of the guest: `process.args`, else the annotation's words. */
export function decideArguments(planning: Planning): readonly string[] {
  const { args } = planning.spec.process;
  if (args.length > 0) return args;
  return planning.metadata.cmdline.split(/\s+/).filter((word) => word !== "");
}

/** The spec's namespaces and a mount namespace, which every monitor's root is made in. */
export function decideNamespaces(planning: Planning): readonly Namespace[] {
  const namespaces = withSafePids(planning);
  const { problems, spec } = planning;
  const find = (type: Namespace["type"]) => namespaces.find((namespace) => namespace.type === type);
  if (find("uts") === undefined) {
    for (const key of ["hostname", "domainname"] as const) {
      if (spec[key] === undefined) continue;
      const message = `${key}: cannot be set without a UTS namespace: it would change the host's`;
      problems.push({ code: "no-uts-namespace", message });
    }
  }
  const time = find("time");
  if (spec.linux.timeOffsets !== undefined && (time === undefined || time.path !== undefined)) {
    const message = "linux.timeOffsets: needs a new time namespace: add one to linux.namespaces, without a path";
    problems.push({ code: "no-time-namespace", message });
  }
  return find("mount") === undefined ? [...namespaces, { type: "mount" }] : namespaces;
}

/**
 * Until `start` the container's process has the rights of the host's root: it must not be seen by other containers, of
 * which one may have CAP_SYS_PTRACE (docs/decisions/010). In a user namespace that is shared too, nobody has it over us.
 */
function withSafePids({ spec, warnings }: Planning): readonly Namespace[] {
  const { namespaces } = spec.linux;
  const path = (type: Namespace["type"]) => namespaces.find((namespace) => namespace.type === type)?.path;
  if (path("pid") === undefined || path("user") !== undefined) return namespaces;
  warnings.push(`linux.namespaces: the pid namespace ${path("pid")} is not joined: the monitor has one of its own`);
  return namespaces.map((namespace) => (namespace.type === "pid" ? { type: "pid" } : namespace));
}

/** A nic for each network, where guest and monitor can have one. */
export function decideNics(planning: Planning, ids: readonly string[]): readonly Nic[] {
  const { networks, monitor, metadata } = planning;
  return networks.flatMap(({ guest, tap, fd }, index) => {
    const id = ids[index];
    if (monitor.tap === undefined || id === undefined) {
      const unable = monitor.tap === undefined ? metadata.monitor : metadata.guest;
      const nic = index === 0 ? "a nic" : "another nic";
      lose(planning, `${unable} cannot be given ${nic}: the guest runs without ${guest.interface}`);
      return [];
    }
    const { interface: name, mac, mtu } = guest;
    const descriptor = monitor.tap === "descriptor" ? { fd } : {};
    return [{ id, tap, ...descriptor, interface: name, mac, mtu }];
  });
}

/** What is known of a file of the image; own members only, since the image chose the name. */
export function imageFile(planning: Planning, path: string) {
  const { imageFiles } = planning.facts;
  return Object.hasOwn(imageFiles, path) ? imageFiles[path] : undefined;
}
