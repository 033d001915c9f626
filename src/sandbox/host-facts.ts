import type { KernelFile } from "../kernel/kernel-file.ts";
import { readKernel } from "../kernel/read-kernel.ts";
import { cpuVendor } from "../plan/cpu-vendor.ts";
import type { FactQuery } from "../plan/fact-query.ts";
import type { HostFacts, HostProgram, ImageFileFact, MountFact } from "../plan/host-facts.ts";
import { findBlockMount, parseMountinfo } from "../plan/mountinfo.ts";
import { isBlockDevice } from "../storage/block-device.ts";
import { MOUNTINFO, MOUNTINFO_LIMIT } from "../storage/undo.ts";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  O_PATH,
  O_RDWR,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import {
  close,
  exists,
  fstat,
  fstatat,
  open,
  openDirectory,
  openInRoot,
  pread,
  readlinkat,
  readTextFile,
  readTextFileIfPresent,
  withFile,
} from "../sys/file.ts";
import { kvmApiVersion, kvmCreateVm } from "../sys/kvm.ts";
import { findInPath, isExecutable } from "../sys/path-search.ts";
import { reopen } from "../sys/regular-file.ts";
import { findLibraries } from "./find-libraries.ts";
import { findLocalLibraries } from "./local-libraries.ts";
import { openSocketFile } from "./socket-file.ts";
import { versionAnswer } from "./version-answers.ts";

type MountTable = ReturnType<typeof parseMountinfo>;

/** The one version of the KVM interface there is (Linux, Documentation/virt/kvm/api.rst). */
const KVM_API_VERSION = 12;
/** Bytes; it lists every feature of the processor. */
const MODALIAS_LIMIT = 1 << 16;

/**
 * Finds out what the plan asks for. Only reads, but for what a monitor answers to `--version`, which is kept; nothing found
 * is an answer, not an error.
 *
 * @param answers directory of what monitors answered.
 */
export function gatherFacts(query: FactQuery, rootfs: string, answers: string): HostFacts {
  const monitor = findMonitor(query, query.version ? answers : undefined);
  const kvmProblem = query.kvm ? findKvmProblem() : undefined;
  const vendor = query.kvm ? findCpuVendor() : undefined;
  const virtiofsd = firstProgram(query.virtiofsd, query.arch);
  // The libraries of two programs are whole directories.
  const monitorBinary = virtiofsd === undefined ? monitor : withoutLibraries(monitor);
  // Where the libraries lie matters to dynamic programs only.
  const isDynamic = monitorBinary?.dynamic !== false || virtiofsd?.dynamic === true;
  const libraries = (isDynamic ? query.libraries : []).filter(exists);
  const existing = [...query.paths.filter(exists), ...libraries];
  const local = findLocal(monitorBinary, virtiofsd, query.arch);
  const socketProblem = query.socket === undefined ? undefined : findSocketProblem(query.socket);
  const volumes = findVolumes(query.volumes);
  const init = query.guestInit ? findGuestInit() : undefined;
  return {
    arch: query.arch,
    existing,
    libraryLinks: monitorBinary?.libraries === undefined ? findLinks(libraries) : {},
    ...(local.length === 0 ? {} : { localLibraries: local }),
    devices: query.devices.filter(isDevice),
    imageFiles: findImageFiles(query, rootfs),
    hostFiles: Object.fromEntries(
      query.hostFiles.map((path) => [path, findFile(() => open(path, O_PATH), path === query.kernel)]),
    ),
    ...(query.rootfsMount ? { rootfsMount: findRootfsMount(rootfs) } : {}),
    ...(volumes === undefined ? {} : { volumes }),
    ...(query.sources.length === 0 ? {} : { specialSources: query.sources.filter(isSpecial) }),
    ...(virtiofsd === undefined ? {} : { virtiofsd }),
    ...(init === undefined ? {} : { guestInit: init }),
    ...(socketProblem === undefined ? {} : { socketProblem }),
    ...(monitorBinary === undefined ? {} : { monitorBinary }),
    ...(kvmProblem === undefined ? {} : { kvmProblem }),
    ...(vendor === undefined ? {} : { cpuVendor: vendor }),
  };
}

/** The mount that the kernel has by the rootfs' own name. */
function findRootfsMount(rootfs: string): MountFact {
  let path: string;
  try {
    path = resolveLinks(rootfs);
  } catch (error) {
    if (isSysError(error)) return { reason: messageOf(error) };
    throw error;
  }
  return findDevice(readMounts(), path);
}

/** What is mounted from block devices at these paths; the table of mounts is read only when there may be something. */
function findVolumes(paths: readonly string[]): Record<string, MountFact> | undefined {
  const places = paths.filter(isMountPoint);
  if (places.length === 0) return undefined;
  const entries = readMounts();
  const facts = places.flatMap((place): [string, MountFact][] => {
    const path = resolveLinks(place);
    const ofDevice = entries.some(({ mountPoint, source }) => mountPoint === path && source.startsWith("/"));
    return ofDevice ? [[place, findDevice(entries, path)]] : [];
  });
  return Object.fromEntries(facts);
}

/** Whether a path is there and has no copy: a device, a socket, a FIFO. */
function isSpecial(path: string): boolean {
  try {
    const type = fstatat(AT_FDCWD, path, 0).mode & S_IFMT;
    return type !== S_IFDIR && type !== S_IFREG;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

/** Whether another file system begins with this directory. */
function isMountPoint(path: string): boolean {
  try {
    const { mode, dev } = fstatat(AT_FDCWD, path, 0);
    return (mode & S_IFMT) === S_IFDIR && fstatat(AT_FDCWD, `${path}/..`, 0).dev !== dev;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

function readMounts(): MountTable {
  return parseMountinfo(readTextFile(MOUNTINFO, MOUNTINFO_LIMIT));
}

function findDevice(entries: MountTable, path: string): MountFact {
  const found = findBlockMount(entries, path);
  if ("reason" in found || isBlockDevice(found.mount.source, found.mount.device)) return found;
  return { reason: `${found.mount.source} is not the block device that ${path} is mounted from` };
}

function findLocal(monitor: HostProgram | undefined, server: HostProgram | undefined, arch: string): readonly string[] {
  const dynamic = [monitor, server].flatMap((program) => (program?.dynamic === true ? [program] : []));
  if (dynamic.length === 0 || dynamic.every(({ libraries }) => libraries !== undefined)) return [];
  return findLocalLibraries(
    dynamic.map(({ path }) => path),
    arch,
  );
}

function withoutLibraries(program: HostProgram | undefined): HostProgram | undefined {
  if (program === undefined) return undefined;
  const { libraries: _, ...rest } = program;
  return rest;
}

function findMonitor({ program, arch }: FactQuery, answers: string | undefined): HostProgram | undefined {
  return describeProgram(absoluteOrInPath(program), arch, answers);
}

function absoluteOrInPath(program: string): string | undefined {
  if (!program.startsWith("/")) return findInPath(program);
  return isExecutable(program) ? program : undefined;
}

function firstProgram(paths: readonly string[], arch: string): HostProgram | undefined {
  return describeProgram(paths.find(isExecutable), arch);
}

function describeProgram(found: string | undefined, arch: string, answers?: string): HostProgram | undefined {
  if (found === undefined) return undefined;
  return withFile(found, O_PATH, (fd) => {
    const path = nameOf(fd);
    const answer = answers === undefined ? {} : { versionAnswer: versionAnswer(fd, path, answers) };
    return { path, ...findLibraries(path, arch), ...answer };
  });
}

function resolveLinks(path: string): string {
  return withFile(path, O_PATH, nameOf);
}

/** The kernel's own name of an opened path (proc(5), /proc/pid/fd). */
function nameOf(fd: number): string {
  return readlinkat(AT_FDCWD, `/proc/self/fd/${fd}`);
}

/** Opening /dev/kvm says little: a machine whose processor lacks the extension fails only at the first VM. */
function findKvmProblem(): string | undefined {
  let kvm: number;
  try {
    kvm = open("/dev/kvm", O_RDWR);
  } catch (error) {
    return messageOf(error);
  }
  try {
    const version = kvmApiVersion(kvm);
    if (version !== KVM_API_VERSION) return `KVM interface version ${version}, not ${KVM_API_VERSION}`;
    close(kvmCreateVm(kvm));
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    close(kvm);
  }
}

function findCpuVendor(): HostFacts["cpuVendor"] {
  return cpuVendor(readTextFileIfPresent("/sys/devices/system/cpu/modalias", MODALIAS_LIMIT) ?? "");
}

function findLinks(paths: readonly string[]): Record<string, string> {
  const links: Record<string, string> = {};
  for (const path of paths) {
    const { mode } = fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW);
    if ((mode & S_IFMT) === S_IFLNK) links[path] = readlinkat(AT_FDCWD, path);
  }
  return links;
}

function isDevice(path: string): boolean {
  try {
    const type = fstatat(AT_FDCWD, path, 0).mode & S_IFMT;
    return type === S_IFCHR || type === S_IFBLK;
  } catch (error) {
    if (isSysError(error)) return false;
    throw error;
  }
}

function findImageFiles({ imageFiles, kernel }: FactQuery, rootfs: string): Record<string, ImageFileFact> {
  let root: number;
  try {
    root = openDirectory(rootfs);
  } catch (error) {
    const reason = messageOf(error);
    return Object.fromEntries(imageFiles.map((path) => [path, { found: false, reason }]));
  }
  const find = (path: string) => findFile(() => openInRoot(root, path, O_PATH), path === kernel);
  const facts = Object.fromEntries(imageFiles.map((path) => [path, find(path)]));
  close(root);
  return facts;
}

function findSocketProblem(path: string): string | undefined {
  try {
    close(openSocketFile(path));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Installed in ../libexec/urunc of this program's directory, or beside it as a build leaves it. */
function findGuestInit(): string | undefined {
  const program = resolveLinks("/proc/self/exe");
  const directory = program.slice(0, program.lastIndexOf("/"));
  const parent = directory.slice(0, directory.lastIndexOf("/"));
  return [`${parent}/libexec/urunc/guest-init`, `${directory}/guest-init`].find(exists);
}

function findFile(openFile: () => number, isKernel: boolean): ImageFileFact {
  let fd: number;
  try {
    fd = openFile();
  } catch (error) {
    if (isSysError(error)) return { found: false, reason: messageOf(error) };
    throw error;
  }
  try {
    const { mode, size } = fstat(fd);
    if ((mode & S_IFMT) !== S_IFREG) return { found: false, reason: "not a regular file" };
    return isKernel && size > 0 ? { found: true, size, kernel: describeKernel(fd) } : { found: true, size };
  } catch (error) {
    if (isSysError(error)) return { found: false, reason: messageOf(error) };
    throw error;
  } finally {
    close(fd);
  }
}

function describeKernel(reference: number): KernelFile {
  const file = reopen(reference);
  try {
    return readKernel((offset, length) => {
      const buffer = new ArrayBuffer(length);
      const read = pread(file, buffer, 0, length, offset);
      return read === length ? buffer : buffer.slice(0, read);
    });
  } finally {
    close(file);
  }
}
