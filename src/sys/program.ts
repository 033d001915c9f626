import { clone3 } from "./clone.ts";
import { O_RDWR } from "./constants.ts";
import { messageOf } from "./errors.ts";
import { close, dup2, open, pipe, readText, writeAll } from "./file.ts";
import { execve, exit, resetSignalHandlers, setSignalMask, waitpid } from "./process.ts";

const OUTPUT_LIMIT = 16 << 20;

/** What a program that was run to its end wrote to stdout, and its exit status (128 + signal when one ended it). */
export interface ProgramResult {
  readonly output: string;
  readonly code: number;
}

/** Runs a program of the host with empty stdin and stderr dropped; argv[0] is the path. */
export function runProgram(path: string, args: readonly string[], env: readonly string[]): ProgramResult {
  const [readEnd, writeEnd] = pipe();
  const child = clone3(0);
  if (child.pid === 0) {
    try {
      const nothing = open("/dev/null", O_RDWR);
      dup2(nothing, 0);
      dup2(writeEnd, 1);
      dup2(nothing, 2);
      setSignalMask([]);
      resetSignalHandlers();
      execve(path, [path, ...args], env);
    } catch (error) {
      writeAll(2, messageOf(error));
    } finally {
      exit(127);
    }
  }
  close(writeEnd);
  close(child.pidfd);
  const output = readText(readEnd, OUTPUT_LIMIT);
  close(readEnd);
  const end = waitpid(child.pid, 0);
  return { output, code: end?.code ?? 128 + (end?.signal ?? 0) };
}
