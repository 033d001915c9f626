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

/**
 * Whether somebody has left the bus: systemd does when it starts anew (daemon-reexec), with all jobs it has, and comes
 * back by another name. What it was asked by the old one nobody answers any more.
 *
 * @param name unique name.
 */
export function hasLeft({ kind, sender, member, body }: Incoming, name: string): boolean {
  return kind === "signal" && sender === BUS_NAME && member === "NameOwnerChanged" && body[1] === name;
}

/** What the bus answers in the place of somebody who is not there, or leaves meanwhile. */
const ABSENT = ["NoReply", "ServiceUnknown", "NameHasNoOwner", "Disconnected"].map(
  (name) => `${BUS_NAME}.Error.${name}`,
);

/** Whether an error of this name is not an answer, but says that there was nobody to answer. */
export function isAbsence(errorName: string): boolean {
  return ABSENT.includes(errorName) || errorName.startsWith(`${BUS_NAME}.Error.Spawn.`);
}
