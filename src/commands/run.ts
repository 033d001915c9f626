import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { type CreatedContainer, type CreateOptions, createContainer } from "../container/create.ts";
import { deleteContainer } from "../container/delete.ts";
import { attend, type End, FORWARDED, type OutputPipe, outputPipe, pendingSignal } from "../container/foreground.ts";
import { handToRunc } from "../container/foreign-bundle.ts";
import { lockContainer } from "../container/lookup.ts";
import { killProcess } from "../container/process.ts";
import { startContainer } from "../container/start.ts";
import { identityOf } from "../container/status.ts";
import { openTimestamps, type Timestamps } from "../container/timestamps.ts";
import { RuntimeFailure } from "../failure.ts";
import type { Log } from "../log.ts";
import { endStatus, MACHINE_FAILED } from "../plan/end-status.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { setSignalMask, wallClock } from "../sys/process.ts";
import { FAULTS, SIGCHLD, SIGPIPE } from "../sys/signals.ts";
import { bundleOption, bundleQuestion, checkIdIsFree, createOptions, preserveDescriptors } from "./create-options.ts";

/**
 * `run`: create, start and, unless detached, wait, forward signals and delete. The exit status is the guest's where the
 * monitor's tells it, else the monitor's, {@link MACHINE_FAILED} when the machine has failed, and 128 + signal when a
 * signal ended the monitor.
 */
export async function run(invocation: Invocation): Promise<number> {
  const invoked = wallClock();
  checkIdIsFree(invocation);
  const { log, global } = invocation;
  const bundle = await loadBundle(bundleQuestion(invocation), log, global.debug);
  if ("kind" in bundle) return handToRunc(bundle.kind, bundleOption(invocation), invocation.argv);
  preserveDescriptors(invocation);
  const detach = invocation.options.has("detach");
  // From here on a signal must not end us between two steps: it waits until the container can have it.
  if (!detach) setSignalMask([...FORWARDED, SIGCHLD, SIGPIPE]);
  const options = createOptions(invocation, bundle);
  const timestamps = openTimestamps(bundle.timestamps, options.id, options.warn);
  timestamps.stamp("CR.invoked", invoked);
  timestamps.stamp("CR.unikontainer_created");
  const output = detach || bundle.plan.terminal ? undefined : outputPipe();
  const container = createAttended(options, timestamps, detach, output);
  const signal = detach ? undefined : pendingSignal();
  if (signal !== undefined) {
    undo(container, options.warn);
    return 128 + signal;
  }
  startOrUndo(container, invocation.log, timestamps);
  if (detach) return 0;
  close(container.directory.fd);
  try {
    return statusOf(attend(container, output?.reader, options.warn), bundle.plan, log);
  } finally {
    if (!invocation.options.has("keep")) removeAfterEnd(invocation);
  }
}

function createAttended(
  options: Omit<CreateOptions, "timestamps" | "keepConsole">,
  timestamps: Timestamps,
  detach: boolean,
  output: OutputPipe | undefined,
): CreatedContainer {
  try {
    return createContainer({
      ...options,
      timestamps,
      keepConsole: !detach && options.consoleSocket === undefined,
    });
  } finally {
    output?.restore();
  }
}

/** Tells of a machine that has failed, with what its guest wrote last. */
function statusOf(end: End, plan: LaunchPlan, log: Log): number {
  const status = "signal" in end ? 128 + end.signal : endStatus(plan, end.code);
  const failed = "signal" in end ? FAULTS.includes(end.signal) : status === MACHINE_FAILED;
  if (!failed) return status;
  const how = "signal" in end ? `by signal ${end.signal}` : `with status ${end.code}`;
  const lines = end.tail.lines();
  const last = lines === "" ? "it wrote nothing" : `its last lines: ${lines}`;
  log.error(
    `The machine of the guest failed: ${plan.monitor} ended ${how} (a panic or fault, or an error of its own); ${last}`,
  );
  return status;
}

function startOrUndo(container: CreatedContainer, log: Log, timestamps: Timestamps): void {
  const { directory, record } = container;
  try {
    timestamps.stamp("ST.invoked");
    startContainer({ directory, record, log, timestamps });
  } catch (error) {
    undo(container, log.warning);
    throw error;
  }
}

function undo(container: CreatedContainer, warn: (message: string) => void): void {
  try {
    killProcess(identityOf(container.record));
    // Not by force, which would give up what is in use.
    deleteContainer(container.directory, container.record, { force: false, warn });
  } catch (error) {
    warn(`Undo run: ${messageOf(error)}`);
  }
}

/** Somebody else may have deleted it since. */
function removeAfterEnd({ global, args, log }: Invocation): void {
  try {
    const found = lockContainer(global, args[0] ?? "");
    if (found !== "runc") deleteContainer(found.directory, found.record, { force: false, warn: log.warning });
  } catch (error) {
    if (!(error instanceof RuntimeFailure && error.code === "not-found")) throw error;
  }
}
