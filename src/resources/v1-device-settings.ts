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

/** The rules as lines for the two files of the controller, one write each. The first rule is about everything. */
export function v1DeviceSettings(rules: readonly DeviceRule[]): Result<readonly Setting[]> {
  const lines: Setting[] = [];
  let allowsAll = true;
  let exceptions: readonly Exception[] = [];
  for (const rule of rules) {
    if (isEverything(rule)) {
      allowsAll = rule.allow;
      exceptions = [];
      lines.push(lineOf(rule.allow, rule));
      continue;
    }
    for (const one of byType(rule)) {
      if (rule.allow !== allowsAll) {
        exceptions = [...exceptions, one];
        lines.push(lineOf(rule.allow, one));
        continue;
      }
      const met = exceptions.filter((exception) => meets(one, exception));
      const wider = met.find((exception) => !covers(one, exception));
      if (wider !== undefined) return refuse(rule.allow, one, wider);
      for (const exception of met) lines.push(lineOf(rule.allow, { ...exception, access: one.access }));
      exceptions = exceptions.flatMap((exception) => (met.includes(exception) ? without(exception, one) : [exception]));
    }
  }
  return success(lines);
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

function without(exception: Exception, { access }: Exception): readonly Exception[] {
  const left = [...exception.access].filter((one) => !access.includes(one)).join("");
  return left === "" ? [] : [{ ...exception, access: left }];
}

function lineOf(allow: boolean, rule: Exception | DeviceRule): Setting {
  return { controller: "devices", file: allow ? "devices.allow" : "devices.deny", value: textOf(rule) };
}

function textOf({ type, major, minor, access }: Exception | DeviceRule): string {
  return `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}

function refuse(allow: boolean, one: Exception, wider: Exception): Result<readonly Setting[]> {
  const [verb, other] = allow ? ["allow", "denied"] : ["deny", "allowed"];
  const message = `linux.resources.devices: cgroup v1 cannot ${verb} ${textOf(one)} while ${textOf(wider)} is ${other}: leave one of the two rules out`;
  return refusal([{ code: "device-rule", message }]);
}
