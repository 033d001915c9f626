import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { notFound } from "../container/container-directory.ts";
import { findContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { RuntimeFailure } from "../failure.ts";
import { bundleQuestion } from "./create-options.ts";

/** What callers of a failed `exec` expect (runc's convention). */
const EXEC_FAILED = 255;

/**
 * Verbs that a virtual machine does not have: they go to runc for runc's containers and fail at once, saying why, for
 * unikernels.
 */
export async function run(invocation: Invocation): Promise<number> {
  const { verb, global, args, argv, log } = invocation;
  const exitCode = verb === "exec" ? EXEC_FAILED : 1;
  const found = findContainer(global, args[0] ?? "");
  if (verb === "restore" && found.owner === "none") {
    // It makes a container, which can only be one of runc's.
    const bundle = await loadBundle(bundleQuestion(invocation), log, global.debug);
    if ("kind" in bundle) return becomeRunc(argv);
    throw new RuntimeFailure("unsupported", "cannot restore a unikernel: it is not supported");
  }
  if (found.owner === "runc") return becomeRunc(argv);
  if (found.owner !== "urunc") throw new RuntimeFailure("not-found", notFound().message, { exitCode });
  const reason =
    verb === "exec"
      ? "a unikernel has no processes to add one to: run the program in a container of its own"
      : "it is not supported for unikernels";
  throw new RuntimeFailure("unsupported", `cannot ${verb} container ${args[0]}: ${reason}`, { exitCode });
}
