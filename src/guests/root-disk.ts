import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { GuestDisk, GuestInput } from "./guest.ts";

/** The disk of a guest that has its root on one: without it there is nothing to run, and `missing` says so. */
export function requiredRootDisk(input: GuestInput, missing: string, problems: Problem[]): readonly GuestDisk[] {
  if (input.block?.mountPoint === "/") return [{ id: "rootfs", ...input.block }];
  problems.push(guestProblem(missing));
  return [];
}
