import type { Invocation } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import { planBundle } from "../container/bundle.ts";
import { fewProblems } from "../failure.ts";
import { jsonText } from "../json-text.ts";
import { renderPlan, renderProblems, renderWarnings } from "../plan/render.ts";
import { writeAll } from "../sys/file.ts";
import { bundleOption, bundleQuestion } from "./create-options.ts";

const STDOUT = 1;

/** `plan`: what create and start would do, or every reason why they could not. Nothing is changed. */
export async function run(invocation: Invocation): Promise<number> {
  const format = invocation.options.text("format") ?? "text";
  if (format !== "text" && format !== "json") throw usage(`invalid format option: ${format}: use text or json`);
  const bundle = bundleOption(invocation);
  // Container engines name a bundle's directory by the container's id.
  const id = bundle.slice(bundle.lastIndexOf("/") + 1);
  const planned = await planBundle({ ...bundleQuestion(invocation), id });
  const json = (value: unknown) => `${jsonText(value, 2)}\n`;
  if ("kind" in planned) {
    const { kind, warnings } = planned;
    const also = kind === "queue-proxy" ? ", after the address of Knative's guest was put in its environment" : "";
    const text = `not a unikernel: runc runs this bundle${also}\n${renderWarnings(warnings)}`;
    writeAll(STDOUT, format === "json" ? json({ runtime: "runc", warnings }) : text);
    return 0;
  }
  if (!planned.ok) {
    const problems = fewProblems(planned.problems);
    writeAll(STDOUT, format === "json" ? json({ problems }) : renderProblems(problems));
    return 1;
  }
  const { plan, warnings } = planned.value;
  writeAll(STDOUT, format === "json" ? json({ runtime: "urunc", plan, warnings }) : renderPlan(plan, warnings));
  return 0;
}
