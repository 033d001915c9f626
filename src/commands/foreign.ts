import type { Invocation } from "../cli/command.ts";
import { notFound } from "../container/container-directory.ts";
import { findContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { RuntimeFailure } from "../failure.ts";

/** What callers of a failed `exec` expect (runc's convention). */
const EXEC_FAILED = 255;

/**
 * Verbs that a virtual machine does not have: they go to runc for runc's containers and fail at once, saying why, for
 * unikernels.
 */
export function run({ verb, global, args, argv }: Invocation): number {
  const exitCode = verb === "exec" ? EXEC_FAILED : 1;
  const found = findContainer(global, args[0] ?? "");
  // `restore` makes a container, which can only be one of runc's.
  if (found.owner === "runc" || (verb === "restore" && found.owner === "none")) return becomeRunc(argv);
  if (found.owner !== "urunc") throw new RuntimeFailure("not-found", notFound().message, { exitCode });
  const reason =
    verb === "exec"
      ? "a unikernel has no processes to add one to: run the program in a container of its own"
      : "it is not supported for unikernels";
  throw new RuntimeFailure("unsupported", `cannot ${verb} container ${args[0]}: ${reason}`, { exitCode });
}
