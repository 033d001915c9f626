/**
 * FreeBSD: the command line is the kernel's environment, split at blank, comma, tab and line feed, without quotes
 * (FreeBSD, sys/kern/subr_boot.c). The root is named as `type:device` (sys/kern/vfs_mountroot.c, parse_mount), init by
 * `init_path`. Arguments and variables of a program need a configuration drive with an init that reads it.
 */
import type { Problem } from "../failure.ts";
import { guestProblem } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { requiredRootDisk } from "./root-disk.ts";

export const freebsd: Guest = {
  monitors: ["qemu"],
  supportsInitrd: false,
  supportsBlock: true,
  minimumMemory: 128 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const missing = "freebsd: its root is missing: name a UFS image by the annotation block, with blkMntPoint set to /";
  const disks = requiredRootDisk(input, missing, problems);
  const [init, ...rest] = input.args;
  if (rest.length > 0) {
    problems.push(
      guestProblem(
        "freebsd: arguments of init need a configuration drive, which is not supported yet: give its path only",
      ),
    );
  }
  // A list of paths is split at colons.
  if (init !== undefined && !/^\/[A-Za-z0-9._/-]+$/.test(init)) {
    const message = `freebsd: init ${JSON.stringify(init)} cannot be named: it must be an absolute path of A-Z a-z 0-9 . _ / -`;
    problems.push(guestProblem(message));
  }
  if (problems.length > 0) return { problems };
  if (input.env.length > 0) {
    warnings.push("freebsd: environment variables are not passed: they need a configuration drive, not supported yet");
  }
  const words = ["vfs.root.mountfrom=ufs:/dev/vtbd0"];
  if (init !== undefined) words.push(`init_path=${init}`);
  return { needs: { commandLine: words.join(" "), disks, nics: [], monitorOptions: [], warnings } };
}
