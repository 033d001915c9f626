// The benchmark's flow: makes the bundles, runs the measuring programs of bench/, prints the tables and the ratios.
// Called by script/bench, which sets up what it needs.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { solo5File } from "../tests/lib/kernels.ts";
import { machine, machineText, type Spread, spread, table } from "./lib/figures.ts";

const VERBS = ["create", "start", "kill", "delete"] as const;
type Verb = (typeof VERBS)[number];

interface Subject {
  readonly name: string;
  readonly title: string;
  readonly command: readonly string[];
  readonly bundle: "container" | "unikernel" | "container-cgroup" | "unikernel-cgroup";
}

interface VerbResult {
  readonly wallMs: Spread;
  /** User + system time. */
  readonly cpuMs: Spread;
  /** Largest of all rounds. */
  readonly maxRssKb: number;
}

interface SubjectResult {
  readonly name: string;
  readonly title: string;
  readonly verbs: Readonly<Record<Verb, VerbResult>>;
  readonly totalMs: Spread;
  readonly waitingRssKb: number;
  readonly waitingAnonymousKb: number;
}

interface VerbRecord {
  readonly round: number;
  readonly name: string;
  readonly verb: string;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly maxRssKb: number;
}

interface WaitingRecord {
  readonly name: string;
  readonly rssKb: number;
  readonly anonymousKb: number;
}

const ROOT = resolve(process.env.URUNC_SOURCE ?? ".");
const BUILD = join(ROOT, "build", "bench");

function stop(message: string): never {
  console.error(`script/bench: ${message}`);
  process.exit(1);
}

/** The device rule that `runc spec` and every container engine write: with it a bundle asks for a cgroup. */
const RESOURCES = { devices: [{ allow: false, access: "rwm" }] };

interface BundleKind {
  readonly annotations: Readonly<Record<string, string>>;
  readonly kernel?: Buffer;
  readonly cgroup?: true;
  /** A network namespace to join in the place of a new one. */
  readonly network?: string;
}

/** What every bundle shares: the namespaces and the file systems of a monitor's world. */
function specification({ annotations, cgroup, network }: BundleKind): string {
  const namespaces = [...["pid", "ipc", "uts", "mount"].map((type) => ({ type })), { type: "network", path: network }];
  return JSON.stringify({
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/pause"],
      env: ["PATH=/"],
      cwd: "/",
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "bench",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/dev",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
      },
      {
        destination: "/tmp",
        type: "tmpfs",
        source: "tmpfs",
        options: ["nosuid", "noexec", "strictatime", "mode=1777", "size=65536k"],
      },
    ],
    annotations,
    linux: cgroup ? { namespaces, resources: RESOURCES } : { namespaces },
  });
}

function makeBundle(directory: string, kind: BundleKind): void {
  for (const name of ["proc", "dev", "tmp"]) {
    mkdirSync(join(directory, "rootfs", name), { recursive: true });
  }
  copyFileSync(join(BUILD, "pause"), join(directory, "rootfs", "pause"));
  chmodSync(join(directory, "rootfs", "pause"), 0o755);
  if (kind.kernel !== undefined) writeFileSync(join(directory, "rootfs", "kernel"), kind.kernel);
  writeFileSync(join(directory, "config.json"), specification(kind));
}

function run(command: readonly string[], environment: Readonly<Record<string, string>>): SpawnSyncReturns<string> {
  const [program = "", ...args] = command;
  return spawnSync(program, args, {
    encoding: "utf8",
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 28,
  });
}

function rows(text: string, kind: string): string[][] {
  return text
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([first]) => first === kind);
}

function summarize(subject: Subject, verbs: readonly VerbRecord[], waiting: readonly WaitingRecord[]): SubjectResult {
  const mine = verbs.filter((record) => record.name === subject.name);
  const of = (verb: Verb): VerbResult => {
    const records = mine.filter((record) => record.verb === verb);
    return {
      wallMs: spread(records.map((record) => record.wallMs)),
      cpuMs: spread(records.map((record) => record.cpuMs)),
      maxRssKb: Math.max(...records.map((record) => record.maxRssKb)),
    };
  };
  const totals = new Map<number, number>();
  for (const record of mine) {
    totals.set(record.round, (totals.get(record.round) ?? 0) + record.wallMs);
  }
  const seen = waiting.filter((record) => record.name === subject.name);
  return {
    name: subject.name,
    title: subject.title,
    verbs: { create: of("create"), start: of("start"), kill: of("kill"), delete: of("delete") },
    totalMs: spread([...totals.values()]),
    waitingRssKb: spread(seen.map((record) => record.rssKb)).median,
    waitingAnonymousKb: spread(seen.map((record) => record.anonymousKb)).median,
  };
}

const ms = (value: number): string => value.toFixed(2);
const range = (value: Spread): string => `${ms(value.median)} (${ms(value.p10)}-${ms(value.p90)})`;

function printLifecycle(results: readonly SubjectResult[], rounds: number, nic: boolean): void {
  console.log(`lifecycle${nic ? " with one nic" : ""}: ${rounds} interleaved rounds, ms: median (p10-p90)`);
  console.log(
    table(
      ["", ...VERBS, "TOTAL"],
      results.map((result) => [
        result.title,
        ...VERBS.map((verb) => range(result.verbs[verb].wallMs)),
        range(result.totalMs),
      ]),
    ),
  );
  console.log("\nuser + system time a verb, ms: median; the waiting process between create and start, kB: median");
  console.log(
    table(
      ["", ...VERBS, "waiting RSS", "anonymous"],
      results.map((result) => [
        result.title,
        ...VERBS.map((verb) => ms(result.verbs[verb].cpuMs.median)),
        result.waitingRssKb.toFixed(0),
        result.waitingAnonymousKb.toFixed(0),
      ]),
    ),
  );
  console.log("\nlargest RSS a verb, kB: maximum of all rounds");
  console.log(
    table(
      ["", ...VERBS],
      results.map((result) => [result.title, ...VERBS.map((verb) => result.verbs[verb].maxRssKb.toFixed(0))]),
    ),
  );
}

interface Ratio {
  readonly name: string;
  readonly value: number;
}

/** What is compared: with the same work of cgroups, but for runc, which always makes them. */
const COMPARISONS: readonly (readonly [ours: string, other: string])[] = [
  ["urunc", "crun-without"],
  ["urunc", "runc"],
  ["urunc-with", "crun-with"],
  ["urunc-with", "runc"],
];

function ratios(results: readonly SubjectResult[]): Ratio[] {
  return COMPARISONS.flatMap(([ourName, otherName]) => {
    const ours = results.find(({ name }) => name === ourName);
    const other = results.find(({ name }) => name === otherName);
    if (ours === undefined || other === undefined) return [];
    return [{ name: `${ours.title} / ${other.title}`, value: ours.totalMs.median / other.totalMs.median }];
  });
}

/** A namespace with an interface that has an address and the default route, as CNI leaves one. */
function makeNetwork(path: string): string {
  writeFileSync(path, "");
  const lines = [
    "ip link add eth0 type veth peer name peer0",
    "ip link set peer0 up",
    "ip link set eth0 up",
    "ip address add 10.42.0.2/24 dev eth0",
    "ip route add default via 10.42.0.1",
  ];
  const done = run(["unshare", `--net=${path}`, "sh", "-ec", lines.join("\n")], {});
  if (done.status !== 0) stop(`the network cannot be made: ${done.stderr}`);
  return path;
}

function lifecycle(work: string, rounds: number, names: readonly string[], nic: boolean): readonly SubjectResult[] {
  const pause = join(BUILD, "pause");
  const configuration = join(work, "config.toml");
  writeFileSync(configuration, `[monitors.spt]\npath = "${pause}"\n`);
  const unikernel = {
    annotations: {
      "com.urunc.unikernel.unikernelType": "mirage",
      "com.urunc.unikernel.hypervisor": "spt",
      "com.urunc.unikernel.binary": "/kernel",
    },
    kernel: solo5File("spt", nic ? [{ kind: "net", name: "service" }] : []),
  };
  const network = nic ? { network: makeNetwork(join(work, "network")) } : {};
  makeBundle(join(work, "container"), { annotations: {}, ...network });
  makeBundle(join(work, "container-cgroup"), { annotations: {}, cgroup: true, ...network });
  makeBundle(join(work, "unikernel"), { ...unikernel, ...network });
  makeBundle(join(work, "unikernel-cgroup"), { ...unikernel, cgroup: true, ...network });
  const program = (name: string): string => {
    const found = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    return found === "" ? stop(`${name} is not installed`) : found;
  };
  const all: Subject[] = [];
  if (names.includes("urunc")) {
    const urunc = [join(ROOT, "build", "urunc"), "--root", join(work, "root-urunc")];
    all.push(
      { name: "urunc", title: "urunc without cgroups", command: urunc, bundle: "unikernel" },
      { name: "urunc-with", title: "urunc with cgroups", command: urunc, bundle: "unikernel-cgroup" },
    );
  }
  if (names.includes("crun")) {
    const crun = program("crun");
    all.push(
      {
        name: "crun-without",
        title: "crun without cgroups",
        command: [crun, "--root", join(work, "root-crun-without"), "--cgroup-manager=disabled"],
        bundle: "container",
      },
      {
        name: "crun-with",
        title: "crun with cgroups",
        command: [crun, "--root", join(work, "root-crun-with"), "--cgroup-manager=cgroupfs"],
        bundle: "container-cgroup",
      },
    );
  }
  if (names.includes("runc")) {
    all.push({
      name: "runc",
      title: "runc (always with cgroups)",
      command: [program("runc"), "--root", join(work, "root-runc")],
      bundle: "container-cgroup",
    });
  }
  const list = all.flatMap((subject) => ["--", subject.name, join(work, subject.bundle), ...subject.command]);
  const done = run([join(BUILD, "lifecycle"), String(rounds), work, ...list], {
    URUNC_CONFIG_FILE: configuration,
  });
  if (done.status !== 0) {
    stop(`the measuring program failed:\n${done.stderr}`);
  }
  const verbs = rows(done.stdout, "verb").map(([, round, name, verb, wall, user, system, rss]) => ({
    round: Number(round),
    name: name ?? "",
    verb: verb ?? "",
    wallMs: Number(wall) / 1e6,
    cpuMs: (Number(user) + Number(system)) / 1e3,
    maxRssKb: Number(rss),
  }));
  const waiting = rows(done.stdout, "waiting").map(([, , name, rss, anonymous]) => ({
    name: name ?? "",
    rssKb: Number(rss),
    anonymousKb: Number(anonymous),
  }));
  return all.map((subject) => summarize(subject, verbs, waiting));
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)).get(key) : undefined;
}

function textList(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

interface FilePlace {
  readonly source: string;
  readonly target: string;
}

function places(value: unknown, prefix: string): FilePlace[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  return list.map((item) => ({
    source: join(prefix, String(member(item, "source"))),
    target: String(member(item, "target")),
  }));
}

/** The monitor's command line of the plan with the paths of the host instead of those in the monitor's root. */
function monitorByHand(urunc: string, bundle: string, environment: Readonly<Record<string, string>>): string[] {
  const done = run([urunc, "plan", "--bundle", bundle, "--format", "json"], environment);
  if (done.status !== 0) {
    stop(`urunc plan failed: ${done.stderr}`);
  }
  const answer: unknown = JSON.parse(done.stdout);
  const plan = member(answer, "plan") ?? answer;
  const rootfs = String(member(plan, "rootfs"));
  const known = [
    ...places(member(plan, "imageFiles"), rootfs.startsWith("/") ? rootfs : join(bundle, rootfs)),
    ...places(member(plan, "hostFiles"), "/"),
  ];
  const argv = textList(member(member(plan, "exec"), "argv"));
  const program = String(member(member(plan, "exec"), "path"));
  const place = (text: string): string => {
    const found = known.find(({ target }) => text === target || text.startsWith(`${target}/`));
    return found === undefined ? text : found.source + text.slice(found.target.length);
  };
  return [place(program), ...argv.slice(1).map(place)];
}

interface BootResult {
  readonly runtimeMs: Spread;
  readonly byHandMs: Spread;
  readonly differenceMs: number;
}

function boot(work: string, rounds: number): BootResult {
  const urunc = join(ROOT, "build", "urunc");
  const bundle = join(ROOT, "build", "examples", "hello", "bundle");
  const configuration = join(work, "tcg.toml");
  writeFileSync(configuration, '[monitors.qemu]\naccel = "tcg"\n');
  const environment = { URUNC_CONFIG_FILE: configuration };
  const monitor = monitorByHand(urunc, bundle, environment);
  const command = [join(BUILD, "boot"), String(rounds), work, bundle, urunc, "--root", join(work, "root-boot")];
  const done = run([...command, "--", ...monitor], environment);
  if (done.status !== 0) {
    stop(`the measuring program failed:\n${done.stderr}`);
  }
  const of = (kind: string): Spread =>
    spread(
      rows(done.stdout, "boot")
        .filter(([, , name]) => name === kind)
        .map(([, , , ns]) => Number(ns) / 1e6),
    );
  const runtimeMs = of("runtime");
  const byHandMs = of("hand");
  return { runtimeMs, byHandMs, differenceMs: runtimeMs.median - byHandMs.median };
}

function printBoot(result: BootResult, rounds: number): void {
  console.log(`boot: ${rounds} interleaved rounds of the hello unikernel on QEMU without KVM, ms: median (p10-p90)`);
  console.log(
    table(
      ["", "to the guest's first output"],
      [
        ["from urunc start", range(result.runtimeMs)],
        ["the same monitor command by hand", range(result.byHandMs)],
      ],
    ),
  );
  console.log(`difference of the medians: ${ms(result.differenceMs)} ms`);
}

function version(program: string): string {
  return run([program, "--version"], {}).stdout?.split("\n")[0] ?? "";
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "50" },
      "boot-rounds": { type: "string", default: "10" },
      runtimes: { type: "string", default: "urunc,crun,runc" },
      nic: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
    },
  });
  const rounds = Number(values.rounds);
  const bootRounds = Number(values["boot-rounds"]);
  if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(bootRounds) || bootRounds < 1) {
    stop("the number of rounds must be a positive integer");
  }
  const names = values.runtimes.split(",");
  const parts = positionals.length === 0 ? ["lifecycle", "boot"] : positionals;
  const work = mkdtempSync(join(tmpdir(), "urunc-bench-"));
  try {
    const results = parts.includes("lifecycle") ? lifecycle(work, rounds, names, values.nic) : [];
    const booted = parts.includes("boot") ? boot(work, bootRounds) : undefined;
    const compared = ratios(results);
    const versions = { crun: version("crun"), runc: version("runc") };
    if (values.json) {
      console.log(
        JSON.stringify(
          { machine: { ...machine(), ...versions }, rounds, lifecycle: results, boot: booted, ratios: compared },
          null,
          2,
        ),
      );
      return;
    }
    console.log(machineText());
    console.log(`${versions.crun}; ${versions.runc}\n`);
    if (results.length > 0) {
      console.log(
        "All runtimes start the same static program that only pauses, in the same five namespaces with the same",
      );
      console.log(
        "mounts. For urunc it stands in the place of the monitor (solo5-spt), so everything urunc does for a",
      );
      console.log("monitor is measured, and the monitor's own boot is not.\n");
      printLifecycle(results, rounds, values.nic);
      console.log("");
    }
    if (booted !== undefined) {
      printBoot(booted, bootRounds);
      console.log("");
    }
    for (const ratio of compared) {
      console.log(`TOTAL ${ratio.name}: ${ratio.value.toFixed(2)}`);
    }
  } finally {
    if (values.nic) run(["umount", join(work, "network")], {});
    rmSync(work, { recursive: true, force: true });
  }
}

main();
