// A containerd of the tests' own: root, state and socket in a directory of its own, no CRI.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type CommandOptions, type Outcome, type Running, run, start, succeed, until } from "./command.ts";
import { cgroups, isAlive } from "./host.ts";
import { scratch } from "./hygiene.ts";

export interface Containerd {
  readonly directory: string;
  readonly namespace: string;
  /** Where the shim puts the runtime's state: DIRECTORY/NAMESPACE. */
  readonly runtimeRoot: string;
  ctr(...args: readonly string[]): Outcome;
  begin(...args: readonly string[]): Running;
  /** `begin` with the program and the arguments in front of ctr that call it. */
  beginBy(caller: readonly string[], ...args: readonly string[]): Running;
  ctrWith(options: CommandOptions, ...args: readonly string[]): Outcome;
  log(): string;
  stop(): Promise<void>;
}

const RUNTIME_ROOT = "/run/containerd/runc";

/** Ends what a shim may have left: shims are not containerd's children. */
async function endProcess(child: ChildProcess): Promise<void> {
  const pid = child.pid;
  if (pid === undefined || child.exitCode !== null) {
    return;
  }
  child.kill("SIGTERM");
  await until("containerd has ended", () => !isAlive(pid));
}

function removeEmpty(path: string): void {
  if (existsSync(path) && readdirSync(path).length === 0) {
    rmdirSync(path);
  }
}

/** `programs` goes in front of PATH, `environment` to containerd and so to the shims and runtimes. */
export async function startContainerd(
  programs: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Containerd> {
  const directory = mkdtempSync(join(tmpdir(), "uc-"));
  const namespace = `urunc-test-${process.pid}`;
  const address = join(directory, "c.sock");
  const config = join(directory, "containerd.toml");
  writeFileSync(
    config,
    `version = 2
root = "${join(directory, "root")}"
state = "${join(directory, "state")}"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]
[grpc]
address = "${address}"
[ttrpc]
address = "${address}.ttrpc"
`,
  );
  mkdirSync(join(directory, "home"));
  const env = {
    ...process.env,
    ...environment,
    PATH: [...programs, process.env.PATH ?? ""].join(":"),
    CONTAINERD_ADDRESS: address,
    CONTAINERD_NAMESPACE: namespace,
  };
  const log = openSync(join(directory, "log"), "w");
  const child = spawn("containerd", ["--config", config], { stdio: ["ignore", log, log], env, cwd: directory });
  const readLog = (): string => spawnSync("cat", [join(directory, "log")], { encoding: "utf8" }).stdout;
  const ctr = ["ctr", "--address", address, "--namespace", namespace, "--connect-timeout", "20s"];
  const containerd: Containerd = {
    directory,
    namespace,
    runtimeRoot: join(RUNTIME_ROOT, namespace),
    ctr: (...args) => run(scratch() || directory, [...ctr, ...args], { env }),
    ctrWith: (options, ...args) => run(scratch() || directory, [...ctr, ...args], { ...options, env }),
    begin: (...args) => start(scratch() || directory, [...ctr, ...args], { env }),
    beginBy: (caller, ...args) => start(scratch() || directory, [...caller, ...ctr, ...args], { env }),
    log: readLog,
    stop: async () => {
      await endProcess(child);
      removeEmpty(join(RUNTIME_ROOT, namespace));
      removeEmpty(RUNTIME_ROOT);
      for (const path of [...cgroups()].reverse().filter((name) => name.endsWith(`/${namespace}`))) {
        rmdirSync(path);
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await until("containerd answers", () => {
      if (child.exitCode !== null) {
        throw new Error("containerd has ended");
      }
      return existsSync(address) && containerd.ctr("version").status === 0;
    });
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`containerd does not start: ${String(error)}\n${readLog()}`);
  }
  return containerd;
}

/** Imports an image archive made by script/image with these options; gives the image's name. */
export function importImage(containerd: Containerd, name: string, options: readonly string[]): string {
  const image = `urunc.local/${name}:latest`;
  const output = mkdtempSync(join(containerd.directory, `image-${name}-`));
  succeed(run(output, ["script/image", "--output", output, "--name", image, ...options], { cwd: process.cwd() }));
  succeed(containerd.ctr("images", "import", join(output, "image.tar")));
  return image;
}
