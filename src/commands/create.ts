import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { createContainer } from "../container/create.ts";
import { becomeRunc } from "../container/runc.ts";
import { bundleOption, checkIdIsFree, createOptions, preserveDescriptors } from "./create-options.ts";

/** `create`: everything but the monitor. A bundle that is no unikernel goes to runc. */
export async function run(invocation: Invocation): Promise<number> {
  preserveDescriptors(invocation);
  checkIdIsFree(invocation);
  const bundle = await loadBundle(bundleOption(invocation), invocation.log, invocation.global.debug);
  if (bundle === "not-unikernel") return becomeRunc(invocation.argv);
  createContainer({ ...createOptions(invocation, bundle), keepConsole: false });
  return 0;
}
