/**
 * Device rules for cgroup v1, which keeps a default and exceptions from it (kernel,
 * Documentation/admin-guide/cgroup-v1/devices.rst). It takes an exception back only by its own numbers, and silently does
 * nothing for any others: what would be ignored is refused here, or said as it must be said.
 */
import type { DeviceRule } from "../oci/resources.ts";
import { type Result, refusal, success } from "../result.ts";
import { isEverything } from "./device-rules.ts";
import type { Setting } from "./setting.ts";

/** Devices of one type; absent numbers stand for all. */
interface Exception extends Pick<DeviceRule, "major" | "minor" | "access"> {
  readonly type: "b" | "c";
}

/** By their numbers, each once with all of its access, as the kernel keeps them: there may be thousands. */
type Exceptions = Map<string, Exception>;

/** The rules as lines for the two files of the controller, one write each. The first rule is about everything. */
export function v1DeviceSettings(rules: readonly DeviceRule[]): Result<readonly Setting[]> {
  const lines: Setting[] = [];
  let allowsAll = true;
  const exceptions: Exceptions = new Map();
  for (const rule of rules) {
    if (isEverything(rule)) {
      allowsAll = rule.allow;
      exceptions.clear();
      lines.push(lineOf(rule.allow, rule));
      continue;
    }
    for (const one of byType(rule)) {
      if (rule.allow !== allowsAll) {
        add(exceptions, one);
        lines.push(lineOf(rule.allow, one));
        continue;
      }
      const met = candidates(exceptions, one).filter((exception) => meets(one, exception));
      const wider = met.find((exception) => !covers(one, exception));
      if (wider !== undefined) return refuse(rule.allow, one, wider);
      for (const exception of met) {
        lines.push(lineOf(rule.allow, { ...exception, access: one.access }));
        takeAway(exceptions, exception, one.access);
      }
    }
  }
  return success(lines);
}

function numbersOf({ type, major, minor }: Pick<DeviceRule, "type" | "major" | "minor">): string {
  return `${type} ${major ?? "*"}:${minor ?? "*"}`;
}

function add(exceptions: Exceptions, one: Exception): void {
  const numbers = numbersOf(one);
  const before = exceptions.get(numbers)?.access ?? "";
  exceptions.set(numbers, { ...one, access: before + [...one.access].filter((way) => !before.includes(way)).join("") });
}

/** All that may meet `one`: for a single device four at most. */
function candidates(exceptions: Exceptions, { type, major, minor }: Exception): readonly Exception[] {
  if (major === undefined || minor === undefined) return [...exceptions.values()];
  const forms = [{ major, minor }, { major }, { minor }, {}].map((form) => numbersOf({ type, ...form }));
  return forms.flatMap((numbers) => exceptions.get(numbers) ?? []);
}

function takeAway(exceptions: Exceptions, exception: Exception, access: string): void {
  const left = [...exception.access].filter((one) => !access.includes(one)).join("");
  const numbers = numbersOf(exception);
  if (left === "") exceptions.delete(numbers);
  else exceptions.set(numbers, { ...exception, access: left });
}

/** The kernel takes `a` for everything, whatever follows. */
function byType({ type, major, minor, access }: DeviceRule): readonly Exception[] {
  const types = type === "a" ? (["b", "c"] as const) : [type];
  return types.map((one) => ({
    type: one,
    ...(major === undefined ? {} : { major }),
    ...(minor === undefined ? {} : { minor }),
    access,
  }));
}

function meets(a: Exception, b: Exception): boolean {
  const isShared = (x: number | undefined, y: number | undefined) => x === undefined || y === undefined || x === y;
  const hasAccess = [...a.access].some((one) => b.access.includes(one));
  return a.type === b.type && isShared(a.major, b.major) && isShared(a.minor, b.minor) && hasAccess;
}

/** Whether every device of `b` is one of `a`. */
function covers(a: Exception, b: Exception): boolean {
  return (a.major === undefined || a.major === b.major) && (a.minor === undefined || a.minor === b.minor);
}

function lineOf(allow: boolean, rule: Exception | DeviceRule): Setting {
  return { controller: "devices", file: allow ? "devices.allow" : "devices.deny", value: textOf(rule) };
}

function textOf(rule: Exception | DeviceRule): string {
  return `${numbersOf(rule)} ${rule.access}`;
}

function refuse(allow: boolean, one: Exception, wider: Exception): Result<readonly Setting[]> {
  const [verb, other] = allow ? ["allow", "denied"] : ["deny", "allowed"];
  const message = `linux.resources.devices: cgroup v1 cannot ${verb} ${textOf(one)} while ${textOf(wider)} is ${other}: leave one of the two rules out`;
  return refusal([{ code: "device-rule", message }]);
}
