/** Blocks of lines by which init programs of the urunit convention are told environment, process and volumes. */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestDisk, GuestInput, GuestProcess } from "./guest.ts";

export const ROOT: GuestProcess = { cwd: "/", uid: 0, gid: 0, additionalGids: [], terminal: false };

/**
 * The lines of the convention; variables that cannot be one are left out.
 *
 * @param more of the process, behind those that every such init knows.
 */
export function conventionLines(
  guest: string,
  input: GuestInput,
  more: readonly string[],
  volumes: readonly GuestDisk[],
  problems: Problem[],
): readonly string[] {
  const { cwd, uid, gid } = input.process ?? ROOT;
  if (cwd.includes("\n")) problems.push(guestProblem(`${guest}: process.cwd must not have a newline`));
  return [
    ...["UES", ...input.env.filter(isLine), "UEE"],
    ...["UCS", `UID:${uid}`, `GID:${gid}`, `WD:${cwd}`, ...more, "UCE"],
    ...["UBS", ...volumes.flatMap((disk) => [`ID:${disk.id}`, `MP:${disk.mountPoint}`]), "UBE"],
  ];
}

/** Refuses variables that are lost in these lines. */
export function refuseBrokenLines(guest: string, env: readonly string[], problems: Problem[]): void {
  if (env.every(isLine)) return;
  problems.push(guestProblem(`${guest}: urunit takes only environment variables NAME=VALUE without a newline`));
}

/** Whether it can stand as a line that is not taken for the border of a block. */
export function isLine(entry: string): boolean {
  return entry.includes("=") && !entry.includes("\n");
}
