// Where the time of create and start goes: many lifecycles with timestamps on, and the median of each step drawn as a
// bar. Called by script/bench trace, which builds what it needs.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { lightConfiguration, writeLightBundle } from "../tests/lib/light-bundle.ts";

const ROOT = resolve(process.env.URUNC_SOURCE ?? ".");
const URUNC = join(ROOT, "build", "urunc");
const WIDTH = 50;

/** What happens between a point and the one before it in time, by the later one's name. */
const STEPS: Readonly<Record<string, string>> = {
  "CR.unikontainer_created": "read and check the bundle, make the plan",
  "CR.initial_setup": "state directory",
  "CR.start_reexec": "socket, terminal",
  "RX.create_invoked": "clone3 into new namespaces",
  "RX.close_pipes_and_setup_base": "join namespaces, host name",
  "CR.received_pids": "note the process",
  "CR.hooks_executed": "wait for the init, hooks",
  "CR.sent_ack": "state, pid file",
  "RX.received_ack": "init waits",
  "CR.terminated": "end of create",
  "ST.unikontainer_created": "lock, read the state",
  "ST.sent_start_msg": "connect to the init",
  "RX.received_start_msg": "init wakes up",
  "RX.joined_netns": "(joined at create)",
  "RX.network_setup_completed": "read the network, plan again, tap",
  "RX.disk_setup_completed": "the monitor's root",
  "RX.execve_hypervisor": "hooks, privileges",
};

interface Stamp {
  readonly id: string;
  readonly name: string;
  readonly time: bigint;
}

function stampOf(line: string): Stamp {
  const fields: unknown = JSON.parse(line);
  const text = (name: string): string => String(Reflect.get(Object(fields), name));
  // As text: the number has more digits than JSON.parse keeps.
  const time = /"time":(\d+)\}$/.exec(line)?.[1] ?? "";
  return { id: text("containerID"), name: text("timestampName"), time: BigInt(time) };
}

function verb(environment: Readonly<Record<string, string>>, ...args: readonly string[]): void {
  // No pipe: the container keeps the runtime's standard error open.
  const done = spawnSync(URUNC, ["--log", "/dev/null", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
    env: environment,
  });
  if (done.status !== 0) throw new Error(`urunc ${args.join(" ")}: exit status ${done.status}`);
}

function measure(work: string, rounds: number): readonly Stamp[] {
  const destination = join(work, "timestamps.log");
  const configuration = join(work, "config.toml");
  const stamps = `[timestamps]\nenabled = true\ndestination = "${destination}"\n`;
  writeFileSync(configuration, lightConfiguration(join(ROOT, "build", "bench", "pause")) + stamps);
  const bundle = writeLightBundle(join(work, "bundle"));
  const environment = { URUNC_CONFIG_FILE: configuration, PATH: process.env.PATH ?? "" };
  const root = join(work, "root");
  for (let round = 0; round < rounds; round += 1) {
    const id = `trace-${round}`;
    verb(environment, "--root", root, "create", "--bundle", bundle, id);
    verb(environment, "--root", root, "start", id);
    verb(environment, "--root", root, "delete", "--force", id);
  }
  return readFileSync(destination, "utf8").trimEnd().split("\n").map(stampOf);
}

/** Milliseconds of each step in one container: between two points next to each other in time, within one verb. */
function stepsOf(stamps: readonly Stamp[]): readonly (readonly [string, number])[] {
  const sorted = [...stamps].sort((one, other) => (one.time < other.time ? -1 : one.time > other.time ? 1 : 0));
  return sorted.flatMap((stamp, index) => {
    const before = sorted[index - 1];
    if (before === undefined || stamp.name === "ST.invoked") return [];
    return [[stamp.name, Number(stamp.time - before.time) / 1e6] as const];
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function draw(stamps: readonly Stamp[]): string {
  const ids = [...new Set(stamps.map(({ id }) => id))];
  const all = ids.flatMap((id) => stepsOf(stamps.filter((stamp) => stamp.id === id)));
  const steps = Object.keys(STEPS).flatMap((name) => {
    const values = all.filter(([step]) => step === name).map(([, ms]) => ms);
    return values.length === 0 ? [] : [{ name, ms: median(values) }];
  });
  const most = Math.max(...steps.map(({ ms }) => ms));
  const lines = steps.map(({ name, ms }) => {
    const bar = "#".repeat(Math.max(1, Math.round((ms / most) * WIDTH)));
    return `${name.padEnd(30)} ${ms.toFixed(3).padStart(7)}  ${bar.padEnd(WIDTH)}  ${STEPS[name]}`;
  });
  return [`medians of ${ids.length} containers, ms`, ...lines].join("\n");
}

const { values } = parseArgs({ options: { rounds: { type: "string", default: "50" } } });
const work = mkdtempSync(join(tmpdir(), "urunc-trace-"));
try {
  console.log(draw(measure(work, Number(values.rounds))));
} finally {
  rmSync(work, { recursive: true, force: true });
}
