/**
 * Hermit. On uhyve the kernel file is the application. On QEMU the kernel file is the loader, the initrd is the application. The kernel splits its command line as a
 * shell does; `env=` words are variables, all behind `--` are the application's arguments (hermit, src/env.rs).
 */
import { guestProblem } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";

export const hermit: Guest = {
  monitors: ["qemu", "uhyve"],
  supportsInitrd: true,
  supportsBlock: false,
  minimumMemory: 32 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  // Uhyve loads the application itself and takes arguments and variables as they are.
  if (input.monitor === "uhyve")
    return { needs: { commandLine: "", disks: [], nics: [], monitorOptions: [], warnings: [] } };
  if (!input.initrd) {
    return {
      problems: [guestProblem("hermit: the application is missing: name its ELF file by the annotation initrd")],
    };
  }
  const words = input.env.map((entry) => quote(`env=${entry}`));
  if (input.args.length > 0) words.push("--", ...input.args.map(quote));
  return { needs: { commandLine: words.join(" "), disks: [], nics: [], monitorOptions: [], warnings: [] } };
}

/** Single quotes keep everything but themselves; a `#` at the start of a word would begin a comment. */
function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
