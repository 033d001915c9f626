import type { DeviceRule } from "../oci/resources.ts";

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
