import { RuntimeFailure } from "../failure.ts";
import { type PowerOffAnswer, powerOffAnswer, powerOffRequest } from "../monitors/power-off.ts";
import type { MonitorControl } from "../plan/launch-plan.ts";
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  POLLIN,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  S_IFMT,
  S_IFSOCK,
  SOCK_STREAM,
} from "../sys/constants.ts";
import { deadlineIn } from "../sys/deadline.ts";
import { close, fstat, open, openat2, read, setNonblock } from "../sys/file.ts";
import { poll } from "../sys/process.ts";
import { connectUnix, sendFds, unixSocket } from "../sys/socket.ts";
import { decodeUtf8 } from "../sys/text.ts";
import { liveProcess, type ProcessIdentity } from "./process.ts";

/** For the whole conversation; monitors answer within milliseconds. */
const TIMEOUT_MS = 2000;
/** Longest answer that is read. */
const ANSWER_LIMIT = 1 << 16;
const CHUNK = 4096;

/**
 * Asks the monitor to press the guest's power button. The monitor is not trusted, since a guest may have taken it over:
 * its answer has a deadline and a limit, and no link of its file system leads us elsewhere.
 *
 * @throws SysError, RuntimeFailure `control` when it could not be asked, or refused.
 */
export function pressPowerButton(identity: ProcessIdentity, control: MonitorControl): void {
  const socket = connectTo(identity, control.socket);
  try {
    // Not write(2): the monitor may end at any time, and SIGPIPE would end us.
    sendFds(socket, powerOffRequest(control.protocol), []);
    const answer = converse(socket, control);
    if (answer !== "done")
      throw failure(answer === "more" ? `no answer within ${TIMEOUT_MS / 1000} s` : answer.refused);
  } finally {
    close(socket);
  }
}

/** The socket in the monitor's root: what was opened is what is connected to. */
function connectTo(identity: ProcessIdentity, path: string): number {
  const root = open(`/proc/${identity.pid}/root`, O_PATH | O_DIRECTORY);
  try {
    // Only now is it sure whose root was opened.
    if (liveProcess(identity) === undefined) throw failure("the monitor has ended");
    const resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    const node = openat2(root, path.slice(1), O_PATH | O_NOFOLLOW, 0, resolve);
    try {
      if ((fstat(node).mode & S_IFMT) !== S_IFSOCK) throw failure("it is no socket");
      return connectNode(node);
    } finally {
      close(node);
    }
  } finally {
    close(root);
  }
}

function connectNode(node: number): number {
  const socket = unixSocket(SOCK_STREAM);
  try {
    // A full backlog is then an error, not a wait.
    setNonblock(socket, true);
    connectUnix(socket, `/proc/self/fd/${node}`);
    return socket;
  } catch (error) {
    close(socket);
    throw error;
  }
}

function converse(socket: number, { protocol }: MonitorControl): PowerOffAnswer {
  const deadline = deadlineIn(TIMEOUT_MS);
  const buffer = new ArrayBuffer(CHUNK);
  let text = "";
  while (text.length < ANSWER_LIMIT) {
    const left = deadline.left();
    const [events = 0] = left > 0 ? poll([socket], left) : [];
    if ((events & POLLIN) === 0) return "more";
    const got = read(socket, buffer, 0, CHUNK);
    if (got === 0) return { refused: "the monitor closed the connection" };
    text += decodeUtf8(buffer, 0, got);
    const answer = powerOffAnswer(protocol, text);
    if (answer !== "more") return answer;
  }
  return { refused: `its answer is longer than ${ANSWER_LIMIT} bytes` };
}

function failure(reason: string): RuntimeFailure {
  return new RuntimeFailure("control", reason, { kind: "system" });
}
