import { RuntimeFailure } from "../failure.ts";
import { cloneChild } from "./child.ts";
import { readChild } from "./child-output.ts";
import { O_RDWR, PR_SET_PDEATHSIG } from "./constants.ts";
import { deadlineIn } from "./deadline.ts";
import { messageOf } from "./errors.ts";
import { close, dup2, open, pipe, writeAll } from "./file.ts";
import { execve, exit, kill, prctl, resetSignalHandlers, setSignalMask, waitpid } from "./process.ts";
import { SIGKILL } from "./signals.ts";
import { decodeUtf8 } from "./text.ts";

const OUTPUT_LIMIT = 16 << 20;
const TIMEOUT_MS = 10_000;

/** What a program that was run to its end wrote to stdout, and its exit status (128 + signal when one ended it). */
export interface ProgramResult {
  readonly output: string;
  readonly code: number;
}

/**
 * Runs a program of the host with empty stdin and stderr dropped; argv[0] is the path.
 *
 * @throws RuntimeFailure `program` when it has not ended within ten seconds, or writes more than 16 MiB.
 */
export function runProgram(path: string, args: readonly string[], env: readonly string[]): ProgramResult {
  const [readEnd, writeEnd] = pipe();
  const child = cloneChild(0, () => becomeProgram(writeEnd, path, args, env));
  close(writeEnd);
  try {
    const { bytes, length, isCut, timedOut } = readChild(readEnd, child.pidfd, OUTPUT_LIMIT, deadlineIn(TIMEOUT_MS));
    // Until it is reaped its pid is no other's.
    if (timedOut) kill(child.pid, SIGKILL);
    const end = waitpid(child.pid, 0);
    if (timedOut) throw failure(`Run ${path}: no end within ${TIMEOUT_MS / 1000} s: killed`);
    if (isCut) throw failure(`Run ${path}: it wrote more than ${OUTPUT_LIMIT} bytes`);
    return { output: decodeUtf8(bytes, 0, length), code: end?.code ?? 128 + (end?.signal ?? 0) };
  } finally {
    close(readEnd);
    close(child.pidfd);
  }
}

function failure(message: string): RuntimeFailure {
  return new RuntimeFailure("program", message, { kind: "system" });
}

function becomeProgram(output: number, path: string, args: readonly string[], env: readonly string[]): never {
  try {
    // Nobody would wait for it any more.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 0);
    dup2(output, 1);
    dup2(nothing, 2);
    setSignalMask([]);
    resetSignalHandlers();
    execve(path, [path, ...args], env);
  } catch (error) {
    writeAll(2, messageOf(error));
  }
  exit(127);
}
