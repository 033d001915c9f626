/** The values of the annotations, decoded, become {@link UnikernelMetadata} here, or a list of what is wrong. */
import { GUEST_KINDS, type GuestKind, guestKind } from "../guests/kinds.ts";
import { GUESTS } from "../guests/registry.ts";
import { MONITOR_KINDS, type MonitorKind, monitorKind } from "../monitors/kinds.ts";
import { cleanPath } from "./clean-path.ts";
import { type Findings, report } from "./decode.ts";
import type { UnikernelMetadata } from "./metadata.ts";
import { readVaccel } from "./read-vaccel.ts";

export const ANNOTATION_PREFIX = "com.urunc.unikernel.";

/** Annotations with a meaning here; all others below the prefix are named in a warning. */
const KNOWN: readonly string[] = [
  "unikernelType",
  "hypervisor",
  "binary",
  "cmdline",
  "unikernelVersion",
  "initrd",
  "block",
  "blkMntPoint",
  "mountRootfs",
  "solo5NetDev",
  "solo5BlkDev",
];

/** Name resources of the host, so that an image must not set them. */
export const HOST_ONLY: readonly string[] = ["bootKernel", "bootInitrd", "vAccel", "RPCAddress"];
/** About the container, not its image: read from the spec where they are used (`networkSettings`). */
export const OF_THE_SPEC: readonly string[] = ["networkMode", "ports"];

/** Every name that has a meaning below the prefix. */
export const OUR_NAMES: readonly string[] = [...KNOWN, ...HOST_ONLY, ...OF_THE_SPEC];
/** Without all of these, or `bootKernel`, a bundle is no unikernel's. */
export const REQUIRED: readonly string[] = ["unikernelType", "hypervisor", "binary"];

/** In place of a path: the one of the configuration file. */
export const BOOT_DEFAULT = "default";

const TRUE_WORDS: readonly string[] = ["1", "t", "T", "TRUE", "true", "True"];
const FALSE_WORDS: readonly string[] = ["0", "f", "F", "FALSE", "false", "False"];

const TEXT_LIMIT = 4096;

export function validateMetadata(
  into: Findings,
  values: Readonly<Record<string, string>>,
  source: UnikernelMetadata["source"],
  warnings: string[],
): UnikernelMetadata | undefined {
  const place = (name: string): string =>
    source === "annotations" ? `annotation ${ANNOTATION_PREFIX}${name}` : ANNOTATION_PREFIX + name;
  const value = (name: string): string | undefined => values[ANNOTATION_PREFIX + name];

  const boot = source === "annotations" ? readBoot(into, value, place) : undefined;
  const guest = readGuest(into, place("unikernelType"), value("unikernelType") ?? (boot ? "linux" : ""));
  const monitor = readMonitor(into, place("hypervisor"), value("hypervisor") ?? (boot ? "qemu" : ""));
  if (boot !== undefined && guest !== undefined && guest !== "linux") {
    report(into, place("unikernelType"), "must be linux with bootKernel", guest);
  }
  if (guest !== undefined && monitor !== undefined && !GUESTS[guest].monitors.includes(monitor)) {
    const able = GUESTS[guest].monitors.join(", ");
    report(into, place("hypervisor"), `${guest} does not run on ${monitor}: it runs on ${able}`);
  }
  const binary = value("binary") ?? "";
  if (boot === undefined) checkPath(into, place("binary"), binary);
  const initrd = value("initrd");
  if (initrd !== undefined) checkPath(into, place("initrd"), initrd);
  const block = readBlock(into, value, place, warnings);
  const version = value("unikernelVersion") ?? "";
  if (version.length > TEXT_LIMIT) {
    report(into, place("unikernelVersion"), `must have at most ${TEXT_LIMIT} characters`);
  }
  const mountRootfs = readBoolean(into, place("mountRootfs"), value("mountRootfs"));
  const solo5NetDevice = value("solo5NetDev");
  const solo5BlockDevice = value("solo5BlkDev");
  checkDeviceName(into, place("solo5NetDev"), solo5NetDevice);
  checkDeviceName(into, place("solo5BlkDev"), solo5BlockDevice);
  const vaccel = source === "annotations" ? readVaccel(into, monitor, value, place) : undefined;
  const used = sortOut(values, source, place, warnings);
  if (guest === undefined || monitor === undefined || into.problems.length > 0) return undefined;
  return {
    guest,
    monitor,
    binary: boot === undefined ? binary : "",
    ...(boot === undefined ? {} : { boot }),
    cmdline: value("cmdline") ?? "",
    version,
    ...(initrd === undefined ? {} : { initrd }),
    ...(block === undefined ? {} : { block }),
    mountRootfs,
    ...(solo5NetDevice === undefined ? {} : { solo5NetDevice }),
    ...(solo5BlockDevice === undefined ? {} : { solo5BlockDevice }),
    ...(vaccel === undefined ? {} : { vaccel }),
    source,
    annotations: used,
  };
}

function readGuest(into: Findings, place: string, name: string): GuestKind | undefined {
  const kind = guestKind(name);
  if (kind === undefined) report(into, place, `must be one of ${GUEST_KINDS.join(", ")}`, name);
  return kind;
}

function readMonitor(into: Findings, place: string, name: string): MonitorKind | undefined {
  const kind = monitorKind(name);
  if (kind === undefined) report(into, place, `must be one of ${MONITOR_KINDS.join(", ")}`, name);
  return kind;
}

/** bootKernel and bootInitrd: files of the host. */
function readBoot(
  into: Findings,
  value: (name: string) => string | undefined,
  place: (name: string) => string,
): UnikernelMetadata["boot"] {
  const kernel = value("bootKernel");
  const initrd = value("bootInitrd");
  if (kernel === undefined) {
    if (initrd !== undefined) report(into, place("bootInitrd"), "must come with bootKernel");
    return undefined;
  }
  for (const name of ["binary", "initrd"]) {
    if (value(name) !== undefined) report(into, place(name), "must not be set together with bootKernel");
  }
  checkHostPath(into, place("bootKernel"), kernel);
  if (initrd !== undefined) checkHostPath(into, place("bootInitrd"), initrd);
  return { kernel, ...(initrd === undefined ? {} : { initrd }) };
}

/** One spelling only, so that the directory it lies in is the one that is compared. */
function checkHostPath(into: Findings, place: string, path: string): void {
  if (path === BOOT_DEFAULT) return;
  if (path.length > TEXT_LIMIT) report(into, place, `must have at most ${TEXT_LIMIT} characters`);
  else if (!/^\/[A-Za-z0-9._/+~-]+$/.test(path)) {
    report(into, place, `must be ${BOOT_DEFAULT} or an absolute path of A-Z a-z 0-9 . _ / + ~ -`, path);
  } else if (cleanPath(path) !== path) report(into, place, "must not contain empty, . or .. segments", path);
}

function readBlock(
  into: Findings,
  value: (name: string) => string | undefined,
  place: (name: string) => string,
  warnings: string[],
): UnikernelMetadata["block"] {
  const path = value("block");
  const mountPoint = value("blkMntPoint");
  if (path === undefined) {
    if (mountPoint !== undefined) warnings.push(`${place("blkMntPoint")} ignored: there is no block image`);
    return undefined;
  }
  checkPath(into, place("block"), path);
  if (mountPoint === undefined) {
    report(into, place("block"), "annotation for block device was set without a mountpoint: set blkMntPoint");
    return undefined;
  }
  if (mountPoint !== "/") checkPath(into, place("blkMntPoint"), mountPoint);
  if (!mountPoint.startsWith("/")) report(into, place("blkMntPoint"), "must be an absolute path", mountPoint);
  return { path, mountPoint };
}

/** Characters that need no quoting anywhere, no option look-alike, no way out of the rootfs, one spelling only. */
function checkPath(into: Findings, place: string, path: string): void {
  if (path.length > TEXT_LIMIT) report(into, place, `must have at most ${TEXT_LIMIT} characters`);
  else if (!/^[A-Za-z0-9._/-]+$/.test(path)) report(into, place, "must be a path of A-Z a-z 0-9 . _ / -", path);
  else if (path.startsWith("..") || path.startsWith("-")) report(into, place, "must not start with .. or -", path);
  else if (path === "/" || path === ".") report(into, place, "must name a file", path);
  else if (cleanPath(path) !== path) report(into, place, "must not contain empty, . or .. segments", path);
}

/** Text that Go's strconv.ParseBool takes. */
function readBoolean(into: Findings, place: string, text: string | undefined): boolean {
  if (text === undefined || FALSE_WORDS.includes(text)) return false;
  if (!TRUE_WORDS.includes(text)) report(into, place, "must be true or false", text);
  return true;
}

/** Device names of a Solo5 manifest (solo5, docs/architecture.md). */
function checkDeviceName(into: Findings, place: string, name: string | undefined): void {
  if (name !== undefined && !/^[A-Za-z0-9]{1,67}$/.test(name)) {
    report(into, place, "must have 1 to 67 letters and digits", name);
  }
}

/** Keeps what is used; warns of what is not. */
function sortOut(
  values: Readonly<Record<string, string>>,
  source: UnikernelMetadata["source"],
  place: (name: string) => string,
  warnings: string[],
): Readonly<Record<string, string>> {
  const used: Record<string, string> = {};
  for (const key of Object.keys(values)) {
    const name = key.slice(ANNOTATION_PREFIX.length);
    if (KNOWN.includes(name) || (HOST_ONLY.includes(name) && source === "annotations")) used[key] = values[key] ?? "";
    else if (OF_THE_SPEC.includes(name)) warnings.push(`${place(name)} ignored: only the spec can say it`);
    else if (HOST_ONLY.includes(name))
      warnings.push(`${place(name)} ignored: an image must not name resources of the host`);
  }
  return used;
}
