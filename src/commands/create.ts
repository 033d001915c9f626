import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { createContainer } from "../container/create.ts";
import { handToRunc } from "../container/foreign-bundle.ts";
import { openTimestamps } from "../container/timestamps.ts";
import { wallClock } from "../sys/process.ts";
import { bundleOption, checkIdIsFree, createOptions, preserveDescriptors } from "./create-options.ts";

/** `create`: everything but the monitor. A bundle that is no unikernel goes to runc. */
export async function run(invocation: Invocation): Promise<number> {
  const invoked = wallClock();
  checkIdIsFree(invocation);
  const { args, log, global } = invocation;
  const bundle = await loadBundle(bundleOption(invocation), args[0] ?? "", log, global.debug);
  if (typeof bundle === "string") return handToRunc(bundle, bundleOption(invocation), invocation.argv);
  preserveDescriptors(invocation);
  const options = createOptions(invocation, bundle);
  const timestamps = openTimestamps(bundle.timestamps, options.id, options.warn);
  timestamps.stamp("CR.invoked", invoked);
  timestamps.stamp("CR.unikontainer_created");
  createContainer({ ...options, timestamps, keepConsole: false });
  timestamps.stamp("CR.terminated");
  return 0;
}
