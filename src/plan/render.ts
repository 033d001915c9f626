/** A plan as text for people: what will run, with what around it, and what was decided on the way. */

import type { Problem } from "../failure.ts";
import { largest } from "../few.ts";
import type { IdMapping } from "../oci/spec.ts";
import { inMebibytes } from "./decide.ts";
import type { RootKind } from "./decide-root.ts";
import type { InitrdPart, LaunchPlan } from "./launch-plan.ts";
import { plainText, shellWord } from "./quote.ts";

/** One line of a section: columns are aligned. */
type Row = readonly string[];

export function renderPlan(plan: LaunchPlan, warnings: readonly string[]): string {
  return [
    section("Guest", guestRows(plan)),
    section("Monitor", monitorRows(plan)),
    section(
      "Monitor command",
      plan.exec.argv.map((word) => [shellWord(word)]),
    ),
    section(`Files of the image, below ${plainText(plan.rootfs)}`, imageRows(plan)),
    section("Initrd, made at start", initrdRows(plan)),
    section("Files of the host", [
      ...plan.hostFiles.map((file) => [
        file.target,
        file.source === file.target ? "read-only" : `read-only, from ${file.source}`,
      ]),
      ...plan.links.map((link) => [link.path, `link to ${link.target}`]),
    ]),
    section("Files written for the monitor", [
      ...plan.files.map((file) => [file.path, file.content]),
      ...(plan.binaryFiles ?? []).map((file) => [file.path, file.digits]),
    ]),
    section(
      "Temporary file systems",
      plan.tmpfs.map((area) => [
        area.target,
        `${inMebibytes(area.size)}, mode ${octal(area.mode)}${area.noexec ? ", noexec" : ""}`,
      ]),
    ),
    section(
      "Devices",
      plan.devices.map((device) => [device.path]),
    ),
    section("Cgroup", cgroupRows(plan)),
    section("Process", processRows(plan)),
    section(
      "Namespaces",
      plan.namespaces.map((namespace) => [
        namespace.type,
        namespace.path === undefined ? "new" : `join ${namespace.path}`,
      ]),
    ),
    section("User namespace", mappingRows(plan)),
    renderWarnings(warnings),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

/** What is not as its author may think, one finding a line. */
export function renderWarnings(warnings: readonly string[]): string {
  return section(
    "Warnings",
    warnings.map((warning) => [warning]),
  );
}

/** Why there is no plan, one finding a line. */
export function renderProblems(problems: readonly Problem[]): string {
  return section(
    "Cannot run",
    problems.map((problem) => [problem.message]),
  );
}

function guestRows(plan: LaunchPlan): readonly Row[] {
  return [
    ["type", plan.guest],
    ["memory", inMebibytes(plan.memory)],
    ["virtual CPUs", `${plan.vcpus}`],
    ["command line", plan.commandLine === "" ? "none" : shellWord(plan.commandLine)],
    ...plan.disks.map((disk) => [
      `disk ${disk.id}`,
      `${disk.path}${disk.mountPoint === undefined ? "" : ` at ${disk.mountPoint}`}, ${disk.readonly ? "read-only" : "writable"}`,
    ]),
    ...rootRows(plan),
    ...networkRows(plan),
    ...(plan.vsock === undefined ? [] : [["vsock", `context id ${plan.vsock.cid}`]]),
  ];
}

function controlRows({ control }: LaunchPlan): readonly Row[] {
  if (control === undefined) return [];
  const then = control.timeout === 0 ? "" : `, SIGKILL after ${control.timeout} s`;
  return [["SIGTERM", `power button of the guest by ${control.socket}${then}`]];
}

const ROOTS: Readonly<Record<RootKind, string>> = {
  initrd: "an initrd of the image",
  block: "a block image of the image",
  "rootfs-block": "the container's rootfs, as a block device",
  virtiofs: "the container's rootfs, by virtiofs",
  "9p": "the container's rootfs, by 9p",
  "rootfs-archive": "the container's rootfs, packed into an initrd",
  kernel: "what the kernel brings",
};

function rootRows({ root, share, takes, rootfsCopies = [] }: LaunchPlan): readonly Row[] {
  const server = share?.server === undefined ? [] : [["share server", share.server.argv.map(shellWord).join(" ")]];
  return [
    ["root", ROOTS[root.kind]],
    ...root.passed.map(({ kind, reason }) => ["", `not by ${kind}: ${reason}`]),
    ...(share === undefined
      ? []
      : [[`share ${share.tag}`, `${share.target}, ${share.readonly ? "read-only" : "writable"}`]]),
    ...server,
    ...rootfsCopies.map(({ source, destination }) => [
      "bind mount",
      `${destination}, a copy of ${source} in the rootfs until delete`,
    ]),
    ...takes.map(({ mount }) => ["host", `${mount.mountPoint} is unmounted at create, mounted again by delete`]),
  ];
}

function networkRows({ nics, namespaces, network }: LaunchPlan): readonly Row[] {
  const settings: readonly Row[] =
    network === undefined
      ? []
      : [
          ["network mode", network.mode],
          ...network.ports.map(({ port, protocol }) => ["port of the guest", `${port}/${protocol}`]),
        ];
  if (nics.length > 0) {
    const rows = nics.map((nic) => [`nic ${nic.id}`, `${nic.interface}, ${nic.mac}, MTU ${nic.mtu}, by ${nic.tap}`]);
    return [...settings, ...rows];
  }
  const isOwn = namespaces.some(({ type }) => type === "network");
  return [...settings, ["network", isOwn ? "read at start, from the network namespace" : "none: it is the host's"]];
}

function monitorRows(plan: LaunchPlan): readonly Row[] {
  return [
    ["type", plan.monitor],
    ...(plan.monitorVersion === undefined ? [] : [["version", plan.monitorVersion]]),
    ["accelerator", plan.accelerator],
    ["program", plan.exec.path],
    ...plan.exec.env.map((entry) => ["environment", entry]),
    ...controlRows(plan),
  ];
}

function imageRows(plan: LaunchPlan): readonly Row[] {
  return plan.imageFiles.map((file) => [
    file.source,
    `${file.copied === true ? "copied at create" : file.readonly ? "read-only" : "writable"}, at ${file.target}`,
  ]);
}

function initrdRows({ initrd }: LaunchPlan): readonly Row[] {
  if (initrd === undefined) return [];
  return [
    ["at", initrd.target],
    ["size", `at most ${inMebibytes(initrd.limit)}, by ${initrd.limitSource}`],
    ...initrd.parts.map(partRow),
  ];
}

function partRow(part: InitrdPart): Row {
  switch (part.kind) {
    case "image-file":
      return ["archive", `${part.source} of the image`];
    case "host-file":
      return ["archive", `${part.source} of the host`];
    case "image-archive":
      return ["entries", `of ${part.source} of the image`];
    case "rootfs":
      return ["entries", "of the container's rootfs"];
    case "mount":
      return ["bind mount", `${part.path}, from ${part.source}`];
    case "directory":
      return ["directory", part.path];
    case "program":
      return ["program", `${part.path}, from ${part.source}`];
    case "text":
      return ["file", part.path];
    case "raw":
      return ["text", "the configuration of the guest's init"];
    case "end":
      return ["end", "of the entries"];
    default:
      return part satisfies never;
  }
}

function cgroupRows({ cgroup }: LaunchPlan): readonly Row[] {
  if (cgroup === undefined) return [["path", "the caller's"]];
  const { path, overhead, resources } = cgroup;
  const limit = resources.memory?.limit;
  return [
    ["path", path ?? "named by the container's id"],
    [
      "memory",
      limit !== undefined && limit > 0 ? `at most ${limit} bytes, ${overhead} of them for the monitor` : "no limit",
    ],
    ...Object.keys(resources).flatMap((name) => (name === "memory" ? [] : [["limits of", name]])),
  ];
}

function processRows(plan: LaunchPlan): readonly Row[] {
  const { uid, gid, additionalGids, umask } = plan.user;
  const groups = additionalGids.length === 0 ? "" : `, groups ${additionalGids.join(" ")}`;
  return [
    ["user", `uid ${uid}, gid ${gid}${groups}, umask ${octal(umask)}`],
    ...(plan.monitorUids === undefined
      ? []
      : [["monitor user", `one of its own, from ${plan.monitorUids.first} to ${plan.monitorUids.last}`]]),
    ["capabilities", plan.capabilities.length === 0 ? "none" : plan.capabilities.join(" ")],
    ["new privileges", "never"],
    [
      "system calls",
      plan.seccomp
        ? `those of the list for ${plan.monitor}`
        : "all: runtime.seccomp is bundle, and the bundle has no linux.seccomp",
    ],
    ...(plan.apparmorProfile === undefined ? [] : [["AppArmor profile", plan.apparmorProfile]]),
    ...(plan.selinuxLabel === undefined ? [] : [["SELinux label", plan.selinuxLabel]]),
    ...(plan.sysctls ?? []).map(({ path, value }) => [`sysctl ${path}`, value]),
    ...plan.rlimits.map((limit) => [limit.type, `soft ${limitText(limit.soft)}, hard ${limitText(limit.hard)}`]),
    ...(plan.oomScoreAdj === undefined ? [] : [["OOM score", `${plan.oomScoreAdj}`]]),
    ...(plan.scheduler === undefined ? [] : [["scheduler", `${plan.scheduler.policy}, nice ${plan.scheduler.nice}`]]),
    ...(plan.ioPriority === undefined ? [] : [["I/O", `${plan.ioPriority.class}, ${plan.ioPriority.priority}`]]),
    ...(plan.personality === undefined ? [] : [["personality", plan.personality]]),
    ...Object.entries(plan.timeOffsets ?? {}).map(([clock, { secs, nanosecs }]) => [
      `${clock} clock`,
      `${secs} s and ${nanosecs} ns off`,
    ]),
    ...(plan.hostname === undefined ? [] : [["host name", plan.hostname]]),
    ...(plan.domainname === undefined ? [] : [["domain name", plan.domainname]]),
    ["terminal", plan.terminal ? "yes" : "no"],
  ];
}

function mappingRows({ idMappings }: LaunchPlan): readonly Row[] {
  if (idMappings === undefined) return [];
  const row = (kind: string) => (mapping: IdMapping) => [
    `${kind}s from ${mapping.containerID}`,
    `${mapping.size} from ${mapping.hostID} of the host`,
  ];
  return [...idMappings.uids.map(row("uid")), ...idMappings.gids.map(row("gid"))];
}

function limitText(value: number): string {
  return value < 0 ? "unlimited" : `${value}`;
}

function octal(value: number): string {
  return value.toString(8).padStart(4, "0");
}

/** Empty for a section without rows. */
function section(title: string, rows: readonly Row[]): string {
  if (rows.length === 0) return "";
  const safe = rows.map((row) => row.map(plainText));
  const width = largest(
    safe.map(([name = "", value]) => (value === undefined ? 0 : name.length)),
    0,
  );
  const lines = safe.map(([name = "", value]) => (value === undefined ? name : `${name.padEnd(width)}  ${value}`));
  return `${title}\n${lines.map((line) => `  ${line}\n`).join("")}`;
}
