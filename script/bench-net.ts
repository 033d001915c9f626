// The way to a guest by urunc's tap and redirection beside the same monitor on a plain bridge, in one run. Called by
// script/bench net, in a mount namespace of its own.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, cpSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { machineText, quantile, spread, table } from "./lib/figures.ts";

const ROOT = resolve(process.env.URUNC_SOURCE ?? ".");
const KERNEL = join(ROOT, "build", "examples", "http", "kernel");
const GUEST = "10.42.0.2";
const PINGS = 100;
const REQUESTS = 100;
const TRANSFERS = 4;
const LIMIT_MS = 30_000;

interface Way {
  readonly name: string;
  /** Network namespace from which the guest is reached. */
  readonly outside: string;
  readonly samples: Samples;
}

interface Samples {
  readonly pingMs: number[];
  readonly requestMs: number[];
  /** Requests a second of each round. */
  readonly requestRate: number[];
  readonly mebibytesRate: number[];
}

function run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): string {
  const [program = "", ...args] = command;
  const done = spawnSync(program, args, { encoding: "utf8", env: { ...process.env, ...environment } });
  if (done.status !== 0) throw new Error(`${command.join(" ")}: ${done.error?.message ?? done.stderr}`);
  return done.stdout;
}

function namespace(path: string): string {
  writeFileSync(path, "");
  run(["unshare", `--net=${path}`, "true"]);
  return path;
}

function inside(path: string, ...lines: readonly string[]): void {
  run(["nsenter", `--net=${path}`, "sh", "-ec", lines.join("\n")]);
}

/** A veth pair between two new namespaces; the outer end has the gateway's address. */
function pair(work: string, name: string): { readonly pod: string; readonly outside: string } {
  const pod = namespace(join(work, `${name}-pod`));
  const outside = namespace(join(work, `${name}-outside`));
  inside(
    pod,
    "ip link set lo up",
    `ip link add eth0 type veth peer name veth0 netns ${outside}`,
    "ip link set eth0 up",
  );
  inside(outside, "ip link set lo up", "ip address add 10.42.0.1/24 dev veth0", "ip link set veth0 up");
  return { pod, outside };
}

async function served(output: string, what: string): Promise<void> {
  for (const limit = Date.now() + LIMIT_MS; Date.now() < limit; ) {
    if (existsSync(output) && readFileSync(output, "utf8").includes("serving on port 80")) return;
    await sleep(50);
  }
  throw new Error(`${what}: the guest does not serve:\n${readFileSync(output, "utf8")}`);
}

interface Started {
  readonly outside: string;
  end(): void;
  /** The monitor's command line. */
  readonly argv: readonly string[];
}

async function byUrunc(work: string): Promise<Started> {
  const { pod, outside } = pair(work, "redirect");
  inside(pod, `ip address add ${GUEST}/24 dev eth0`, "ip route add default via 10.42.0.1");
  const bundle = join(work, "bundle");
  cpSync(join(ROOT, "build", "examples", "http", "bundle"), bundle, { recursive: true });
  // Without resources no cgroup is made: in one of its own the monitor would compete otherwise than the one by hand.
  const path = join(bundle, "config.json");
  const config: { linux: { resources?: unknown; namespaces: readonly { type: string }[] } } = JSON.parse(
    readFileSync(path, "utf8"),
  );
  delete config.linux.resources;
  config.linux.namespaces = config.linux.namespaces.map((entry) =>
    entry.type === "network" ? { ...entry, path: pod } : entry,
  );
  writeFileSync(path, JSON.stringify(config));
  const configuration = join(work, "config.toml");
  writeFileSync(configuration, '[monitors.qemu]\naccel = "tcg"\n');
  const urunc = [join(ROOT, "build", "urunc"), "--root", join(work, "root")];
  const environment = { URUNC_CONFIG_FILE: configuration };
  const output = join(work, "redirect.txt");
  const pidFile = join(work, "pid");
  const create = [...urunc, "create", "--bundle", bundle, "--pid-file", pidFile, "web"];
  run(["sh", "-c", 'out=$1; shift; exec "$@" </dev/null >"$out" 2>&1', "sh", output, ...create], environment);
  const end = (): void => void run([...urunc, "delete", "--force", "web"], environment);
  try {
    run([...urunc, "start", "web"], environment);
    await served(output, "tap and redirection");
  } catch (error) {
    end();
    throw error;
  }
  const pid = readFileSync(pidFile, "utf8");
  return { outside, end, argv: readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1) };
}

/** The monitor's command line by hand: a tap of the bridge by name, and a MAC address that no port of it has. */
function onBridge(argv: readonly string[]): readonly string[] {
  return argv.map((word, index) => {
    if (index === 0) return "qemu-system-x86_64";
    if (argv[index - 1] === "-kernel") return KERNEL;
    return word
      .replace(/^(tap,id=\w+),fd=\d+/, "$1,ifname=tap0,script=no,downscript=no")
      .replace(/mac=[0-9a-f:]+/, "mac=52:54:00:00:00:02");
  });
}

async function byBridge(work: string, argv: readonly string[]): Promise<Started> {
  const { pod, outside } = pair(work, "bridge");
  inside(
    pod,
    "ip link add br0 type bridge",
    "ip tuntap add tap0 mode tap vnet_hdr",
    "ip link set eth0 master br0",
    "ip link set tap0 master br0",
    "ip link set tap0 up",
    "ip link set br0 up",
  );
  const output = join(work, "bridge.txt");
  const command = onBridge(argv);
  const file = openSync(output, "w");
  // In a session of its own, as urunc's is: the kernel's scheduler gives each session its share (sched(7), autogroup).
  const monitor: ChildProcess = spawn("nsenter", [`--net=${pod}`, ...command], {
    stdio: ["ignore", file, file],
    detached: true,
  });
  closeSync(file);
  const end = (): void => void monitor.kill("SIGKILL");
  try {
    await served(output, "bridge");
  } catch (error) {
    end();
    throw error;
  }
  return { outside, end, argv: command };
}

function measure(way: Way): void {
  const command = [join(ROOT, "build", "bench", "net"), GUEST, String(PINGS), String(REQUESTS), String(TRANSFERS)];
  const lines = run(["nsenter", `--net=${way.outside}`, ...command])
    .trimEnd()
    .split("\n");
  const records = lines.map((line) => line.split("\t"));
  const msOf = (kind: string): number[] =>
    records.filter(([first]) => first === kind).map(([, ns]) => Number(ns) / 1e6);
  const { pingMs, requestMs, requestRate, mebibytesRate } = way.samples;
  const requests = msOf("request");
  pingMs.push(...msOf("ping"));
  requestMs.push(...requests);
  requestRate.push((1000 * requests.length) / requests.reduce((sum, ms) => sum + ms, 0));
  for (const [kind, ns, bytes] of records) {
    if (kind === "transfer") mebibytesRate.push(Number(bytes) / (1 << 20) / (Number(ns) / 1e9));
  }
}

function print(ways: readonly Way[], rounds: number): void {
  console.log(`${machineText()}\n`);
  console.log(
    `net: ${rounds} interleaved rounds of ${PINGS} pings, ${REQUESTS} requests in turn, ${TRANSFERS} x 1 MiB;`,
  );
  console.log("examples/http on QEMU without KVM, reached over a veth pair");
  const percentile = (values: readonly number[], share: number): number =>
    quantile(
      [...values].sort((one, other) => one - other),
      share,
    );
  const rows = ways.map(({ name, samples }) => [
    name,
    percentile(samples.pingMs, 0.5).toFixed(3),
    percentile(samples.pingMs, 0.99).toFixed(3),
    percentile(samples.requestMs, 0.5).toFixed(3),
    percentile(samples.requestMs, 0.99).toFixed(3),
    spread(samples.requestRate).median.toFixed(0),
    spread(samples.mebibytesRate).median.toFixed(1),
  ]);
  console.log(table(["", "ping ms", "p99", "GET ms", "p99", "GET/s", "MiB/s"], rows));
  const [ours, theirs] = ways;
  if (ours === undefined || theirs === undefined) return;
  const ratio = (of: (samples: Samples) => number[]): string =>
    (spread(of(ours.samples)).median / spread(of(theirs.samples)).median).toFixed(2);
  console.log(
    `${ours.name} / ${theirs.name}: ping ${ratio((s) => s.pingMs)}, GET ${ratio((s) => s.requestMs)}, ` +
      `MiB/s ${ratio((s) => s.mebibytesRate)}`,
  );
}

const { values } = parseArgs({
  options: { rounds: { type: "string", default: "10" }, json: { type: "boolean", default: false } },
});
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 1) {
  console.error("script/bench: the number of rounds must be a positive integer");
  process.exit(1);
}
const work = mkdtempSync(join(tmpdir(), "urunc-net-"));
const started: Started[] = [];
try {
  const redirect = await byUrunc(work);
  started.push(redirect);
  const bridge = await byBridge(work, redirect.argv);
  started.push(bridge);
  const samples = (): Samples => ({ pingMs: [], requestMs: [], requestRate: [], mebibytesRate: [] });
  const ways: readonly Way[] = [
    { name: "tap and redirection (urunc)", outside: redirect.outside, samples: samples() },
    { name: "plain bridge", outside: bridge.outside, samples: samples() },
  ];
  // Warms up caches and address tables; not counted.
  for (const way of ways) measure({ ...way, samples: samples() });
  for (let round = 0; round < rounds; round += 1) {
    for (const way of round % 2 === 0 ? ways : [...ways].reverse()) measure(way);
  }
  if (values.json)
    console.log(JSON.stringify({ rounds, ways: ways.map(({ name, samples }) => ({ name, ...samples })) }));
  else print(ways, rounds);
} finally {
  for (const { end } of started.reverse()) end();
  for (const name of ["redirect", "bridge"]) {
    for (const end of ["pod", "outside"]) spawnSync("umount", [join(work, `${name}-${end}`)]);
  }
  rmSync(work, { recursive: true, force: true });
}
