// Faults at chosen system calls, made by strace from outside: the product has no code for it. A verb is its system calls
// in order, so each of them names a place where it can be cut.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Outcome, type Running, run, start, until } from "./command.ts";
import { isAlive } from "./host.ts";
import { scratch } from "./hygiene.ts";
import type { Runtime } from "./runtime.ts";

/** Every place instead of a sample of them. */
export const EXHAUSTIVE = process.env.URUNC_TEST_EXHAUSTIVE === "1";

/** One system call of a process. */
export interface Step {
  readonly call: string;
  /** Its number among the calls of the same name; the first is 1. strace counts so too. */
  readonly nth: number;
  /** Its number among all. */
  readonly at: number;
  /** The call as strace prints it. */
  readonly text: string;
}

/** `signal=KILL` or a delay in microseconds before the call, or `error=ENOSPC` in its place. */
export type Effect = `signal=${string}` | `error=${string}` | `delay_enter=${number}`;

const trace = () => join(scratch(), "strace.txt");

function strace(step?: Step, effect?: Effect): readonly string[] {
  const inject = step === undefined ? [] : ["-e", `inject=${step.call}:${effect}:when=${step.nth}`];
  return ["strace", "-qq", "-o", trace(), "-e", `trace=${step?.call ?? "all"}`, ...inject];
}

function command(runtime: Runtime, args: readonly string[]): readonly string[] {
  return [runtime.program, "--root", runtime.root, "--log", runtime.log, ...args];
}

const environment = () => ({ env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") } });

function recorded(): readonly Step[] {
  const counts = new Map<string, number>();
  return [...readFileSync(trace(), "utf8").matchAll(/^(\w+)\(.*$/gm)].map(([text, call = ""], at) => {
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    return { call, nth, at, text };
  });
}

/** The system calls of a verb, which is carried out. */
export function stepsOf(runtime: Runtime, ...args: readonly string[]): readonly Step[] {
  run(scratch(), [...strace(), ...command(runtime, args)], environment());
  return recorded();
}

/** The system calls that a process makes during `action`. */
export async function stepsIn(pid: number, action: () => void): Promise<readonly Step[]> {
  const tracer = await attach(pid, strace());
  action();
  tracer.child.kill("SIGTERM");
  await tracer.ended();
  return recorded();
}

/** Runs a verb that meets a fault. */
export function faulty(runtime: Runtime, step: Step, effect: Effect, ...args: readonly string[]): Outcome {
  return run(scratch(), [...strace(step, effect), ...command(runtime, args)], environment());
}

/** The same, with the same fault in the processes it makes. */
export function faultyWithChildren(runtime: Runtime, step: Step, effect: Effect, ...args: readonly string[]): Outcome {
  // -D: the verb itself is our child, and a tracer that goes on with the container keeps nobody waiting.
  return run(scratch(), [...strace(step, effect), "-f", "-D", ...command(runtime, args)], environment());
}

/** System calls that a signal may interrupt: the calls of engine/interrupted.md that are made again. */
const INTERRUPTIBLE = readFileSync(join(import.meta.dirname, "interruptible.txt"), "utf8")
  .trim()
  .split("\n");

/** Runs a verb while a signal seems to interrupt every second call of each name, in the processes it makes too. */
export function interrupted(
  runtime: Runtime,
  ...args: readonly string[]
): Outcome & { readonly interruptions: number } {
  const calls = INTERRUPTIBLE.join(",");
  const words = ["-f", "-D", "-b", "execve", "-e", `trace=${calls}`, "-e", `inject=${calls}:error=EINTR:when=1+2`];
  const outcome = run(scratch(), ["strace", "-qq", "-o", trace(), ...words, ...command(runtime, args)], environment());
  return { ...outcome, interruptions: readFileSync(trace(), "utf8").split("(INJECTED)").length - 1 };
}

/** Runs a verb for which a system call always ends with this error, in the processes it makes too. */
export function alwaysFaulty(runtime: Runtime, call: string, error: string, ...args: readonly string[]): Outcome {
  const words = ["-f", "-D", "-b", "execve", "-e", `trace=${call}`, "-e", `inject=${call}:error=${error}`];
  return run(scratch(), ["strace", "-qq", "-o", trace(), ...words, ...command(runtime, args)], environment());
}

/** Puts a fault into a process that runs. */
export function faultIn(pid: number, step: Step, effect: Effect): Promise<Running> {
  return attach(pid, strace(step, effect));
}

async function attach(pid: number, words: readonly string[]): Promise<Running> {
  const tracer = start(scratch(), [...words, "-p", String(pid)]);
  // It may have met its fault already.
  await until(
    "it is traced",
    () => !isAlive(pid) || !/^TracerPid:\t0$/m.test(readFileSync(`/proc/${pid}/status`, "utf8")),
  );
  return tracer;
}

/** All steps, or every `stride`-th. */
export function sample(steps: readonly Step[], stride: number): readonly Step[] {
  return EXHAUSTIVE ? steps : steps.filter(({ at }) => at % stride === 0);
}
