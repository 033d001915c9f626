// A runtime under test: urunc, or runc, by which the tests themselves are judged.
import { chownSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type CommandOptions, type Outcome, type Running, run, start, succeed } from "./command.ts";
import { atEnd, mustEndEmpty, scratch } from "./hygiene.ts";
import { member, number, parseJson, text } from "./json.ts";
import { URUNC } from "./paths.ts";

export interface State {
  readonly id: string;
  readonly status: string;
  readonly pid: number;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly ociVersion: string;
  readonly owner: unknown;
}

export interface Created {
  readonly outcome: Outcome;
  readonly pid: number;
  readonly pidFile: string;
}

export interface Runtime {
  readonly program: string;
  readonly root: string;
  readonly log: string;
  /** Any verb with its arguments. */
  verb(...args: readonly string[]): Outcome;
  verbWith(options: CommandOptions, ...args: readonly string[]): Outcome;
  /** A verb that goes on, for `run` in the foreground. */
  begin(...args: readonly string[]): Running;
  /** `create` that must succeed; the container is force-deleted at the end of the test. */
  create(id: string, bundle: string, ...options: readonly string[]): Created;
  state(id: string): State;
  status(id: string): string;
  /** Registers the container for deletion at the end of the test. */
  expectLeftover(id: string): void;
  /** Message of the last line with level "error" in the log; what containerd shows. */
  lastError(): string | undefined;
}

export function readState(json: unknown): State {
  return {
    id: text(json, "id"),
    status: text(json, "status"),
    pid: number(json, "pid"),
    bundle: text(json, "bundle"),
    rootfs: text(json, "rootfs"),
    created: text(json, "created"),
    ociVersion: text(json, "ociVersion"),
    owner: member(json, "owner"),
  };
}

function makeRuntime(
  name: string,
  program: string,
  environment: Readonly<Record<string, string>>,
  prefix: readonly string[] = [],
): Runtime {
  const root = join(scratch(), `root-${name}`);
  const log = join(scratch(), `log-${name}.json`);
  const globals = ["--root", root, "--log", log, "--log-format", "json"];
  mustEndEmpty(root);
  const verbWith = (options: CommandOptions, ...args: readonly string[]): Outcome =>
    run(scratch(), [...prefix, program, ...globals, ...args], { ...options, env: { ...environment, ...options.env } });
  const verb = (...args: readonly string[]): Outcome => verbWith({}, ...args);
  const expectLeftover = (id: string): void => atEnd(() => void succeed(verb("delete", "--force", id)));
  const state = (id: string): State => readState(parseJson(succeed(verb("state", id)).stdout()));
  return {
    program,
    root,
    log,
    verb,
    verbWith,
    begin: (...args) => start(scratch(), [...prefix, program, ...globals, ...args], { env: environment }),
    create: (id, bundle, ...options) => {
      const pidFile = join(scratch(), `${id}.pid`);
      const outcome = verb("create", "--bundle", bundle, "--pid-file", pidFile, ...options, id);
      if (outcome.status === 0) {
        expectLeftover(id);
      }
      succeed(outcome);
      return { outcome, pidFile, pid: Number(readFileSync(pidFile, "utf8")) };
    },
    state,
    status: (id) => state(id).status,
    expectLeftover,
    lastError: () => {
      const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
      const errors = lines
        .filter((line) => line !== "")
        .map(parseJson)
        .filter((line) => text(line, "level") === "error");
      const last = errors.at(-1);
      return last === undefined ? undefined : text(last, "msg");
    },
  };
}

/**
 * The executable under test with a root, a log and a configuration of its own.
 *
 * @param prefix program and arguments that call it.
 */
export function urunc(configuration = "", prefix: readonly string[] = []): Runtime {
  const path = join(scratch(), "config.toml");
  writeFileSync(path, `[monitors.qemu]\naccel = "tcg"\n${configuration}`);
  return makeRuntime("urunc", process.env.URUNC_TEST_BINARY ?? URUNC, { URUNC_CONFIG_FILE: path }, prefix);
}

/**
 * The same as another user of the host, who owns the test's directory from now on.
 *
 * @param before program and arguments that are root's and call the rest.
 */
export function uruncAs(uid: number, gid: number, before: readonly string[] = []): Runtime {
  const program = join(scratch(), "program");
  copyFileSync(process.env.URUNC_TEST_BINARY ?? URUNC, program);
  const path = join(scratch(), "config.toml");
  writeFileSync(path, `[monitors.qemu]\naccel = "tcg"\n`);
  chownSync(scratch(), uid, gid);
  const prefix = [...before, "setpriv", "--reuid", `${uid}`, "--regid", `${gid}`, "--clear-groups"];
  return makeRuntime("urunc", program, { URUNC_CONFIG_FILE: path, XDG_RUNTIME_DIR: scratch() }, prefix);
}

export function runc(): Runtime {
  return makeRuntime("runc", "runc", {});
}
