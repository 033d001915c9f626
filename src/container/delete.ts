import { RuntimeFailure } from "../failure.ts";
import { type UndoOptions, undoStorage } from "../storage/undo.ts";
import { messageOf } from "../sys/errors.ts";
import { removeContainerCgroup, statusWithPause, wakeContainer } from "./cgroup.ts";
import { readCgroupRecord } from "./cgroup-record.ts";
import { type ContainerDirectory, readProcessLink, removeContainerDirectory } from "./container-directory.ts";
import { runPoststopHooks } from "./hooks.ts";
import { endMarked } from "./marked.ts";
import { releaseMonitorId } from "./monitor-ids.ts";
import { openNetworkToUndo, undoNetwork } from "./network-undo.ts";
import { killProcess, type ProcessIdentity } from "./process.ts";
import type { ContainerRecord } from "./record.ts";
import { identityOf, statusOf } from "./status.ts";

/**
 * Removes everything `create` made, and runs the poststop hooks, of which a failure is a warning only (runtime-spec,
 * runtime.md#lifecycle). A container that was created but never started is killed first, as runc does.
 *
 * @throws RuntimeFailure `status` when it runs and `force` is not set; `storage` when what is to be put back is in use, and
 *   `force` is not set: all is kept for another try.
 */
export function deleteContainer(directory: ContainerDirectory, record: ContainerRecord, options: UndoOptions): void {
  const status = statusOf(record);
  if (status === "running" && !options.force) {
    const seen = statusWithPause(directory.path, record);
    throw new RuntimeFailure("status", `cannot delete container ${record.id} that is not stopped: ${seen}`);
  }
  const process = status === "stopped" ? undefined : identityOf(record);
  const { isMarked, monitorUser } = record.urunc;
  endAndRemove(directory, process, { ...options, isMarked: isMarked === true }, monitorUser);
  runPoststopHooks(record.urunc.poststop, record, options.warn);
}

/** As {@link deleteContainer} by force, for a container whose state is lost: of its hooks nothing is known. */
export function deleteBrokenContainer(directory: ContainerDirectory, warn: (message: string) => void): void {
  warn(`Container ${directory.id} has no usable state: removing ${directory.path}`);
  endAndRemove(directory, readProcessLink(directory.path), { force: true, warn, isMarked: true });
}

/** Removes what a `create` that was killed left: its init ends by itself, or with its cgroup. */
export function removeRemains(directory: ContainerDirectory, warn: (message: string) => void): void {
  removeCgroupOf(directory);
  undoStorage(directory.fd, { force: false, warn });
  removeContainerDirectory(directory);
}

function removeCgroupOf({ path }: ContainerDirectory, onUnitLeft?: (message: string) => void): void {
  const cgroup = readCgroupRecord(path);
  if (cgroup !== undefined) removeContainerCgroup(cgroup, onUnitLeft);
}

interface EndOptions extends UndoOptions {
  /** Processes may be left that nothing ends but a look at all there are. */
  readonly isMarked: boolean;
}

function endAndRemove(
  directory: ContainerDirectory,
  process: ProcessIdentity | undefined,
  options: EndOptions,
  monitorUser?: ContainerRecord["urunc"]["monitorUser"],
): void {
  // Opened while the process lives: its namespace may have no other name.
  const network = openNetworkToUndo(directory.fd, process?.pid);
  if (process !== undefined) killProcess(process, () => wakeContainer(directory.path));
  if (options.isMarked) endMarked(directory.mark);
  removeCgroupOf(directory, options.force ? options.warn : undefined);
  if (network !== undefined) undoNetwork(network, options.warn);
  undoStorage(directory.fd, options);
  if (monitorUser !== undefined) giveBack(monitorUser, options.warn);
  removeContainerDirectory(directory);
}

/** While the directory is there: a new container of that name would have the same one by the same path. */
function giveBack(
  { id, container }: NonNullable<ContainerRecord["urunc"]["monitorUser"]>,
  warn: UndoOptions["warn"],
): void {
  try {
    releaseMonitorId(id, container);
  } catch (error) {
    // It is free without that once the directory has gone.
    warn(`Give back the monitor's user ${id}: ${messageOf(error)}`);
  }
}
