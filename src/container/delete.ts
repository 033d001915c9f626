import { RuntimeFailure } from "../failure.ts";
import { type ContainerDirectory, removeContainerDirectory } from "./container-directory.ts";
import { runPoststopHooks } from "./hooks.ts";
import { openNetworkToUndo, undoNetwork } from "./network.ts";
import { killProcess } from "./process.ts";
import type { ContainerRecord } from "./record.ts";
import { identityOf, statusOf } from "./status.ts";

const KILL_TIMEOUT_MS = 10_000;

/**
 * Removes everything `create` made, and runs the poststop hooks, of which a failure is a warning only (runtime-spec,
 * runtime.md#lifecycle). A container that was created but never started is killed first, as runc does.
 *
 * @throws RuntimeFailure `status` when it runs and `force` is not set.
 */
export function deleteContainer(
  directory: ContainerDirectory,
  record: ContainerRecord,
  options: { readonly force: boolean; readonly warn: (message: string) => void },
): void {
  const status = statusOf(record);
  if (status === "running" && !options.force) {
    throw new RuntimeFailure("status", `cannot delete container ${record.id} that is not stopped: running`);
  }
  const network = openNetworkToUndo(directory.fd, status === "stopped" ? undefined : record.pid);
  if (status !== "stopped") killProcess(identityOf(record), KILL_TIMEOUT_MS);
  if (network !== undefined) undoNetwork(network, options.warn);
  removeContainerDirectory(directory);
  runPoststopHooks(record.urunc.poststop, record, options.warn);
}
