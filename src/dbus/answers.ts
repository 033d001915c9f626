/** Whether a message is what was asked for. Everybody on the bus may send us any other. */
import type { Incoming } from "./message.ts";

/** The name the bus itself sends by; it gives that to nobody else. */
export const BUS_NAME = "org.freedesktop.DBus";

/**
 * Whether a message answers a call.
 *
 * @param callee the unique name of who was called. For one that is not there the bus answers itself.
 */
export function isAnswer(message: Incoming, serial: number, callee: string): boolean {
  if (message.replySerial !== serial) return false;
  if (message.kind === "return") return message.sender === callee;
  return message.kind === "error" && (message.sender === callee || message.sender === BUS_NAME);
}

/** How a job of systemd has ended: Manager's signal JobRemoved (org.freedesktop.systemd1(5)). */
export interface JobEnd {
  readonly job: string;
  readonly result: string;
}

/**
 * The end of a unit's job.
 *
 * @param systemd its unique name.
 * @returns undefined for any other message.
 */
export function jobEndOf({ kind, sender, member, body }: Incoming, unit: string, systemd: string): JobEnd | undefined {
  if (kind !== "signal" || sender !== systemd || member !== "JobRemoved") return undefined;
  const [, job, name, result] = body;
  return name === unit ? { job: String(job), result: String(result) } : undefined;
}
