import { RuntimeFailure } from "../failure.ts";
import { jsonText } from "../json-text.ts";
import type { Hook, HookKind } from "../oci/spec.ts";
import { cloneChild } from "../sys/child.ts";
import { readChild } from "../sys/child-output.ts";
import { PR_SET_PDEATHSIG } from "../sys/constants.ts";
import { deadlineIn } from "../sys/deadline.ts";
import { isDenied, messageOf } from "../sys/errors.ts";
import { close, closeAllBut, dup2, lseek, memfdCreate, pipe, setNonblock, write, writeAll } from "../sys/file.ts";
import {
  execve,
  exit,
  getpid,
  getppid,
  kill,
  prctl,
  resetSignalHandlers,
  setSignalMask,
  waitpid,
} from "../sys/process.ts";
import { SIGKILL } from "../sys/signals.ts";
import { decodeUtf8, encodeUtf8 } from "../sys/text.ts";
import { SPEC_VERSION } from "../version.ts";
import type { Status } from "./status.ts";

/** The state object a hook reads from its stdin (runtime-spec, runtime.md#state). */
export interface HookState {
  readonly id: string;
  readonly status: Status;
  /** As seen from the namespace the hook runs in; 0 after the end. */
  readonly pid: number;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const OUTPUT_LIMIT = 4096;

/**
 * Runs the hooks of one kind in their order (runtime-spec, config.md#posix-platform-hooks).
 *
 * @throws RuntimeFailure `hook` for the first one that fails or runs into its timeout; its stderr is in the message.
 */
export function runHooks(kind: HookKind, hooks: readonly Hook[], state: HookState): void {
  if (hooks.length === 0) return;
  const input = jsonText({ ociVersion: SPEC_VERSION, ...state });
  for (const hook of hooks) runHook(kind, hook, input);
}

/**
 * Runs the poststop hooks, all of them: one that fails is a warning only (runtime-spec, runtime.md#lifecycle).
 */
export function runPoststopHooks(
  hooks: readonly Hook[],
  container: Pick<HookState, "id" | "bundle" | "annotations">,
  warn: (message: string) => void,
): void {
  for (const hook of hooks) {
    const { id, bundle, annotations } = container;
    try {
      runHooks("poststop", [hook], { id, status: "stopped", pid: 0, bundle, annotations });
    } catch (error) {
      warn(messageOf(error));
    }
  }
}

function runHook(kind: HookKind, hook: Hook, input: string): void {
  const stdin = memoryFile(input);
  const [outputRead, outputWrite] = pipe();
  const parent = getpid();
  const child = cloneChild(0, () => becomeHook(hook, stdin, outputWrite, parent));
  close(stdin);
  close(outputWrite);
  try {
    const deadline = hook.timeout === undefined ? undefined : deadlineIn(hook.timeout * 1000);
    const output = readChild(outputRead, child.pidfd, OUTPUT_LIMIT, deadline);
    // Until it is reaped its pid is no other's.
    if (output.timedOut) kill(child.pid, SIGKILL);
    const failed = describeFailure(hook, output.timedOut, waitpid(child.pid, 0));
    if (failed === undefined) return;
    const said = decodeUtf8(output.bytes, 0, output.length).trim();
    throw new RuntimeFailure("hook", `Hook ${kind} ${hook.path}: ${failed}${said === "" ? "" : `: ${said}`}`);
  } finally {
    close(outputRead);
    close(child.pidfd);
  }
}

/** A file as stdin, since a hook need not read it: writing to a pipe could block or raise SIGPIPE. */
function memoryFile(text: string): number {
  let fd: number;
  try {
    fd = memfdCreate("state", 0);
  } catch (error) {
    const filled = isDenied(error) ? filledPipe(text) : undefined;
    if (filled === undefined) throw error;
    return filled;
  }
  writeAll(fd, text);
  lseek(fd, 0, 0);
  return fd;
}

/** A pipe with all of the text in it and no writer; undefined for more than the kernel keeps in one, 64 KiB. */
function filledPipe(text: string): number | undefined {
  const [reader, writer] = pipe();
  setNonblock(writer, true);
  const bytes = encodeUtf8(text);
  const written = write(writer, bytes, 0, bytes.byteLength);
  close(writer);
  if (written === bytes.byteLength) return reader;
  close(reader);
  return undefined;
}

function becomeHook(hook: Hook, stdin: number, output: number, parent: number): never {
  try {
    // Nobody would wait for it any more.
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() !== parent) exit(127);
    dup2(stdin, 0);
    dup2(output, 1);
    dup2(output, 2);
    // Neither what the caller of a verb has left open nor what is the monitor's (`--preserve-fds`) is a hook's.
    closeAllBut(3, []);
    setSignalMask([]);
    resetSignalHandlers();
    execve(hook.path, hook.args, hook.env);
  } catch (error) {
    writeAll(2, messageOf(error));
  }
  exit(127);
}

function describeFailure(hook: Hook, timedOut: boolean, end: ReturnType<typeof waitpid>): string | undefined {
  if (timedOut) return `no end within ${hook.timeout} s: killed`;
  if (end?.signal !== undefined) return `killed by signal ${end.signal}`;
  return end?.code === 0 ? undefined : `exit status ${end?.code}`;
}
