import type { Invocation } from "../cli/command.ts";
import { loadBundle } from "../container/bundle.ts";
import { createContainer } from "../container/create.ts";
import { handToRunc } from "../container/foreign-bundle.ts";
import { openTimestamps } from "../container/timestamps.ts";
import { wallClock } from "../sys/process.ts";
import { bundleOption, bundleQuestion, checkIdIsFree, createOptions, preserveDescriptors } from "./create-options.ts";

/** `create`: everything but the monitor. A bundle that is no unikernel goes to runc. */
export async function run(invocation: Invocation): Promise<number> {
  const invoked = wallClock();
  checkIdIsFree(invocation);
  const { log, global } = invocation;
  const bundle = await loadBundle(bundleQuestion(invocation), log, global.debug);
  if ("kind" in bundle) return handToRunc(bundle.kind, bundleOption(invocation), invocation.argv);
  preserveDescriptors(invocation);
  const options = createOptions(invocation, bundle);
  const timestamps = openTimestamps(bundle.timestamps, options.id, options.warn);
  timestamps.stamp("CR.invoked", invoked);
  timestamps.stamp("CR.unikontainer_created");
  createContainer({ ...options, timestamps, keepConsole: false });
  timestamps.stamp("CR.terminated");
  return 0;
}
