import type { DeviceRule } from "../oci/resources.ts";
import type { Setting } from "./setting.ts";

/** A device node the monitor needs, which init makes in its root. */
export interface NeededDevice {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
}

/** Everything is denied but what the bundle's rules allow and what the plan needs; the last rule that fits decides. */
export function deviceRules(rules: readonly DeviceRule[], needed: readonly NeededDevice[]): readonly DeviceRule[] {
  return [
    { allow: false, type: "a", access: "rwm" },
    ...rules.filter((rule, index) => index > 0 || rule.allow || !isEverything(rule)),
    ...needed.map((device): DeviceRule => ({ allow: true, ...device, access: "rwm" })),
  ];
}

/** Whether a rule is about every access to every device. */
export function isEverything(rule: DeviceRule): boolean {
  const { type, major, minor, access } = rule;
  return type === "a" && major === undefined && minor === undefined && [..."rwm"].every((one) => access.includes(one));
}

/** The rules as lines for cgroup v1's two files, one write each. */
export function v1DeviceSettings(rules: readonly DeviceRule[]): readonly Setting[] {
  return rules.flatMap((rule) => {
    const file = rule.allow ? "devices.allow" : "devices.deny";
    const numbers = `${rule.major ?? "*"}:${rule.minor ?? "*"}`;
    // The kernel takes `a` for everything, whatever follows.
    const types = rule.type === "a" && !isEverything(rule) ? ["b", "c"] : [rule.type];
    return types.map((type) => ({ controller: "devices", file, value: `${type} ${numbers} ${rule.access}` }));
  });
}
