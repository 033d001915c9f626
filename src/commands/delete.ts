import type { GlobalOptions, Invocation } from "../cli/command.ts";
import { wakeContainer } from "../container/cgroup.ts";
import { lockContainerDirectory, readHookRunner, readProcessLink } from "../container/container-directory.ts";
import { deleteBrokenContainer, deleteContainer, removeRemains } from "../container/delete.ts";
import { findContainer, lockContainer } from "../container/lookup.ts";
import { awaitEnd, killProcess } from "../container/process.ts";
import { logAsRecorded } from "../container/record-log.ts";
import { becomeRunc } from "../container/runc.ts";
import { identityOf } from "../container/status.ts";
import { RuntimeFailure } from "../failure.ts";

/** `delete`: what `create` made is gone afterwards; with `--force` from whatever state it was left in. */
export async function run(invocation: Invocation): Promise<number> {
  if (!invocation.options.has("force")) return plainDelete(invocation);
  try {
    return await forceDelete(invocation);
  } catch (error) {
    if (!isBusy(error)) throw error;
    return forceDeleteHeld(invocation, error);
  }
}

function isBusy(error: unknown): error is RuntimeFailure {
  return error instanceof RuntimeFailure && error.code === "busy";
}

/**
 * The verb that has the lock has not ended with the container: it is stopped, or waits for somebody else. It is ended, as
 * a crash would have ended it, so that the next try finds what it has left.
 */
async function forceDeleteHeld(invocation: Invocation, busy: RuntimeFailure): Promise<number> {
  const { endLockHolder } = await import("../container/lock-holder.ts");
  endLockHolder(`${invocation.global.root}/${invocation.args[0] ?? ""}`, busy);
  return forceDelete(invocation);
}

async function plainDelete({ global, args, argv, log }: Invocation): Promise<number> {
  const id = args[0] ?? "";
  // What a killed `create` left goes away, though there was no container (runc does the same).
  const found = lockContainer(global, id, (directory) => removeRemains(directory, log.warning));
  if (found === "runc") return becomeRunc(argv);
  await logAsRecorded(log, found.record);
  deleteContainer(found.directory, found.record, { force: false, warn: log.warning });
  return 0;
}

async function forceDelete({ global, args, argv, log }: Invocation): Promise<number> {
  const id = args[0] ?? "";
  const found = findForForce(global, id);
  if (found === "runc") return becomeRunc(argv);
  if (found === "none") return 0;
  if (found !== "broken") await logAsRecorded(log, found);
  // Killed before the lock is asked for: a `start` that hangs on this container holds it until its init is gone.
  const process = found === "broken" ? readProcessLink(`${global.root}/${id}`) : identityOf(found);
  if (process !== undefined) killProcess(process, () => wakeContainer(`${global.root}/${id}`));
  if (found === "broken" || found.status === "creating" || found.urunc.poststart.length > 0) {
    endHookRunner(`${global.root}/${id}`);
  }
  try {
    removeLocked(global, id, log.warning);
  } catch (error) {
    if (!(error instanceof RuntimeFailure && error.code === "not-found")) throw error;
  }
  return 0;
}

/** The verb whose hooks hold up the lock fails by itself, now that the container has ended; but not while a hook hangs. */
function endHookRunner(path: string): void {
  const runner = readHookRunner(path);
  if (runner === undefined) return;
  awaitEnd(runner);
  killProcess(runner);
}

/** The record of a container to remove by force; `broken` when it has none that can be read. */
function findForForce(global: GlobalOptions, id: string) {
  try {
    const found = findContainer(global, id);
    if (found.owner === "urunc") return found.record;
    return found.owner === "unfinished" ? "broken" : found.owner;
  } catch (error) {
    if (error instanceof RuntimeFailure && error.code === "bad-state") return "broken";
    throw error;
  }
}

function removeLocked(global: GlobalOptions, id: string, warn: (message: string) => void): void {
  const directory = lockContainerDirectory(global.root, id);
  // Read again under the lock: a `create` may have finished meanwhile.
  const found = findForForce(global, id);
  if (typeof found === "string") {
    deleteBrokenContainer(directory, warn);
  } else {
    deleteContainer(directory, found, { force: true, warn });
  }
}
