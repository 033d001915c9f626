import { alsoToSyslog, type Log } from "../log.ts";
import type { ContainerRecord } from "./record.ts";

/** What a verb on a container logs goes where the configuration wanted it at `create`. */
export async function logAsRecorded(log: Log, { id, urunc }: ContainerRecord): Promise<void> {
  if (urunc.syslog === true) await alsoToSyslog(log, id);
}
