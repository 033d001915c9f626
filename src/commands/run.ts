import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { type CreatedContainer, createContainer } from "../container/create.ts";
import { deleteContainer } from "../container/delete.ts";
import { attend, FORWARDED } from "../container/foreground.ts";
import { lockContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { startContainer } from "../container/start.ts";
import { RuntimeFailure } from "../failure.ts";
import { messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { setSignalMask } from "../sys/process.ts";
import { SIGCHLD } from "../sys/signals.ts";
import { bundleOption, checkIdIsFree, createOptions, preserveDescriptors } from "./create-options.ts";

/** `run`: create, start and, unless detached, wait, forward signals and delete. The exit status is the monitor's. */
export async function run(invocation: Invocation): Promise<number> {
  preserveDescriptors(invocation);
  checkIdIsFree(invocation);
  const bundle = await loadBundle(bundleOption(invocation), invocation.log, invocation.global.debug);
  if (bundle === "not-unikernel") return becomeRunc(invocation.argv);
  const detach = invocation.options.has("detach");
  // From here on a signal must not end us between two steps: it waits until the container can have it.
  if (!detach) setSignalMask([...FORWARDED, SIGCHLD]);
  const options = createOptions(invocation, bundle);
  const container = createContainer({ ...options, keepConsole: !detach && options.consoleSocket === undefined });
  startOrUndo(container, options.warn);
  if (detach) return 0;
  close(container.directory.fd);
  const status = attend(container);
  if (!invocation.options.has("keep")) removeAfterEnd(invocation);
  return bundle.plan.debugExit === true ? guestStatus(status) : status;
}

/** The status a guest wrote to QEMU's isa-debug-exit (QEMU, hw/misc/debugexit.c); 1 is QEMU's own failure. */
function guestStatus(status: number): number {
  return status % 2 === 1 && status > 1 && status < 256 ? (status - 1) / 2 : status;
}

function startOrUndo(container: CreatedContainer, warn: (message: string) => void): void {
  try {
    startContainer(container.directory, container.record, warn);
  } catch (error) {
    try {
      deleteContainer(container.directory, container.record, { force: true, warn });
    } catch (undoError) {
      warn(`Undo run: ${messageOf(undoError)}`);
    }
    throw error;
  }
}

/** Somebody else may have deleted it since. */
function removeAfterEnd({ global, args, log }: Invocation): void {
  try {
    const found = lockContainer(global, args[0] ?? "");
    if (found !== "runc") deleteContainer(found.directory, found.record, { force: true, warn: log.warning });
  } catch (error) {
    if (!(error instanceof RuntimeFailure && error.code === "not-found")) throw error;
  }
}
