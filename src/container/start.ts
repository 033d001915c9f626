import { RuntimeFailure } from "../failure.ts";
import type { Log } from "../log.ts";
import { connectWithin } from "../sys/connect.ts";
import { SOCK_SEQPACKET } from "../sys/constants.ts";
import { deadlineIn } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { statusWithPause } from "./cgroup.ts";
import { asHookRunner, type ContainerDirectory, INIT_SOCKET, writeRecord } from "./container-directory.ts";
import { runHooks } from "./hooks.ts";
import { withWarnings } from "./kept-warnings.ts";
import { keepNetworkRecord } from "./network-record.ts";
import { awaitEnd, isStopped, killProcess } from "./process.ts";
import { initEnded, type Message, receiveWithin, send } from "./protocol.ts";
import type { ContainerRecord } from "./record.ts";
import { identityOf } from "./status.ts";
import type { Timestamps } from "./timestamps.ts";

/** After this time without a word it is asked whether the init can say one. */
const ANSWER_TIMEOUT_MS = 10_000;

export interface StartOptions {
  readonly directory: ContainerDirectory;
  readonly record: ContainerRecord;
  readonly log: Pick<Log, "info" | "warning">;
  readonly timestamps: Timestamps;
}

/**
 * Tells the waiting init to become the monitor and returns when execve has succeeded.
 *
 * @throws RuntimeFailure with the init's reason when it could not, `status` when the container is not `created`.
 */
export function startContainer({ directory, record, log, timestamps }: StartOptions): void {
  const status = statusWithPause(directory.path, record);
  if (status === "stopped") throw new RuntimeFailure("status", "cannot start a container that has stopped");
  if (status === "running") throw new RuntimeFailure("status", "cannot start an already running container");
  if (status === "paused") throw new RuntimeFailure("status", "cannot start a paused container: resume it first");
  if (status === "creating") throw new RuntimeFailure("status", "cannot start a container that is being created");
  const told: string[] = [];
  const warn = (message: string) => {
    told.push(message);
    log.warning(message);
  };
  const socket = connectToInit(directory);
  try {
    send(socket, "start");
    timestamps.stamp("ST.sent_start_msg");
    awaitMonitor(socket, record, directory, { info: log.info, warning: warn });
  } catch (error) {
    // The init ends for the same reason: whoever asks for the status next shall not find it on its way. One that cannot
    // end by itself, since it is stopped, must not go on later to what has failed.
    awaitEnd(identityOf(record));
    killProcess(identityOf(record));
    throw error;
  } finally {
    close(socket);
  }
  const annotations = withWarnings(record.annotations, told);
  try {
    writeRecord(directory, { ...record, annotations, status: "running" });
  } catch (error) {
    // The monitor runs, and the status is computed from it: the container is as good without.
    log.warning(`Write state: ${messageOf(error)}`);
  }
  const { poststart } = record.urunc;
  if (poststart.length === 0) return;
  try {
    const { id, pid, bundle } = record;
    const state = { id, status: "running", pid, bundle, annotations } as const;
    asHookRunner(directory, () => runHooks("poststart", poststart, state));
  } catch (error) {
    // runtime-spec, runtime.md#lifecycle: a failed poststart hook stops the container.
    killProcess(identityOf(record));
    throw error;
  }
}

function connectToInit(directory: ContainerDirectory): number {
  const failure = (why: string, cause?: unknown) => {
    const message = `Connect to ${directory.path}/${INIT_SOCKET}: ${why}: remove the container with 'delete --force'`;
    return new RuntimeFailure("start", message, { kind: "system", cause });
  };
  let socket: number | undefined;
  try {
    const path = `/proc/self/fd/${directory.fd}/${INIT_SOCKET}`;
    socket = connectWithin(path, SOCK_SEQPACKET, deadlineIn(ANSWER_TIMEOUT_MS));
  } catch (error) {
    throw isSysError(error) ? failure(error.message, error) : error;
  }
  if (socket === undefined) throw failure(`its init accepts no connection within ${ANSWER_TIMEOUT_MS / 1000} s`);
  return socket;
}

/**
 * The next message of the init. It may have much to do, a root to pack for one, so it is waited for as long as it does
 * it; `delete --force` ends the wait with the init.
 */
function nextMessage(socket: number, record: ContainerRecord): Message {
  for (;;) {
    const message = receiveWithin(socket, deadlineIn(ANSWER_TIMEOUT_MS));
    if (message !== undefined) return message;
    if (!isStopped(identityOf(record))) continue;
    const why = `it has been stopped by a signal or a debugger for ${ANSWER_TIMEOUT_MS / 1000} s`;
    throw new RuntimeFailure("start", `Wait for the init of the container, pid ${record.pid}: ${why}`, {
      kind: "system",
    });
  }
}

/** `exec` and then the end of the connection: execve closed it. Any other end: there is no monitor. */
function awaitMonitor(
  socket: number,
  record: ContainerRecord,
  directory: ContainerDirectory,
  log: Pick<Log, "info" | "warning">,
): void {
  let executing = false;
  for (;;) {
    const message = nextMessage(socket, record);
    if (message.type === "error") throw new RuntimeFailure("start", message.text, { kind: "system" });
    if (message.type === "note") {
      log[message.level](message.text);
      continue;
    }
    if (message.type === "record") {
      keepNetworkRecord(directory.fd, message.text);
      send(socket, "kept");
      continue;
    }
    if (message.type === "end" && executing) return;
    if (message.type !== "exec") throw initEnded();
    executing = true;
  }
}
