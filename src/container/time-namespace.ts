import { RuntimeFailure } from "../failure.ts";
import type { TimeOffsets } from "../oci/spec.ts";
import { CLONE_NEWTIME, O_RDONLY, O_WRONLY } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { withFile, writeAll } from "../sys/file.ts";
import { setns, unshare } from "../sys/process.ts";

/**
 * Makes a time namespace and moves this process into it. Its clocks can be set only while nobody is in it
 * (time_namespaces(7)), so clone3(2) cannot make it. In a new user namespace this has to come before the change of ids,
 * after which the files of the process in /proc are not its own (proc(5)).
 *
 * @throws RuntimeFailure `time-namespace`.
 */
export function makeTimeNamespace(offsets: TimeOffsets): void {
  const lines = Object.entries(offsets).map(([clock, { secs, nanosecs }]) => `${clock} ${secs} ${nanosecs}\n`);
  try {
    unshare(CLONE_NEWTIME);
    withFile("/proc/self/timens_offsets", O_WRONLY, (fd) => writeAll(fd, lines.join("")));
    withFile("/proc/self/ns/time_for_children", O_RDONLY, (fd) => setns(fd, CLONE_NEWTIME));
  } catch (error) {
    const message = `linux.timeOffsets: ${messageOf(error)}: no clock of the container may be negative`;
    throw new RuntimeFailure("time-namespace", message, { cause: error });
  }
}
