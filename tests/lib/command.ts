// Running programs. Output goes to files, because a container keeps the runtime's standard output open after `create`.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

export interface Outcome {
  readonly command: string;
  readonly status: number | null;
  readonly signal: string | null;
  /** Grows as long as a container writes to it. */
  stdout(): string;
  stderr(): string;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** File for standard input; /dev/null without it. */
  readonly stdin?: string;
  readonly timeoutMs?: number;
}

let count = 0;

function outputs(directory: string): readonly [string, string] {
  count += 1;
  return [join(directory, `output-${process.pid}-${count}.txt`), join(directory, `errors-${process.pid}-${count}.txt`)];
}

const read = (path: string) => (): string => (existsSync(path) ? readFileSync(path, "utf8") : "");

/** Runs a program to its end; what it leaves running may go on writing to the two files in `directory`. */
export function run(directory: string, command: readonly string[], options: CommandOptions = {}): Outcome {
  const [program = "", ...args] = command;
  const [outPath, errorPath] = outputs(directory);
  const files = [openSync(options.stdin ?? "/dev/null", "r"), openSync(outPath, "w"), openSync(errorPath, "w")];
  try {
    const done = spawnSync(program, args, {
      stdio: files,
      cwd: options.cwd ?? directory,
      env: { ...process.env, ...options.env },
      timeout: options.timeoutMs ?? 30_000,
      killSignal: "SIGKILL",
    });
    if (done.error !== undefined) {
      throw new Error(`${command.join(" ")}: ${done.error.message}\n${read(errorPath)()}`);
    }
    return {
      command: command.join(" "),
      status: done.status,
      signal: done.signal,
      stdout: read(outPath),
      stderr: read(errorPath),
    };
  } finally {
    for (const file of files) {
      closeSync(file);
    }
  }
}

/** The outcome, which must be a success. */
export function succeed(outcome: Outcome): Outcome {
  if (outcome.status !== 0) {
    throw new Error(
      `${outcome.command}: exit status ${outcome.status} ${outcome.signal ?? ""}\n${outcome.stdout()}${outcome.stderr()}`,
    );
  }
  return outcome;
}

export interface Running {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Writes to its standard input. */
  write(text: string): void;
  endInput(): void;
  /** Exit status, or the name of the signal it died by. */
  ended(): Promise<number | string>;
}

/** Starts a program and goes on. */
export function start(directory: string, command: readonly string[], options: CommandOptions = {}): Running {
  const [program = "", ...args] = command;
  const [outPath, errorPath] = outputs(directory);
  const out = openSync(outPath, "w");
  const errors = openSync(errorPath, "w");
  const child = spawn(program, args, {
    stdio: ["pipe", out, errors],
    cwd: options.cwd ?? directory,
    env: { ...process.env, ...options.env },
  });
  closeSync(out);
  closeSync(errors);
  const end = new Promise<number | string>((done, failed) => {
    child.on("error", failed);
    child.on("exit", (status, signal) => done(status ?? signal ?? "nothing"));
  });
  child.stdin?.on("error", () => undefined);
  return {
    child,
    stdout: read(outPath),
    stderr: read(errorPath),
    write: (text) => child.stdin?.write(text),
    endInput: () => child.stdin?.end(),
    ended: () => end,
  };
}

/** Waits until `probe` gives something else than undefined or false. */
export async function until<T>(what: string, probe: () => T | undefined | false, limitMs = 20_000): Promise<T> {
  const limit = Date.now() + limitMs;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) {
      return found;
    }
    if (Date.now() > limit) {
      throw new Error(`Waited ${limitMs} ms in vain: ${what}`);
    }
    await sleep(20);
  }
}
