/**
 * What the guest does not get although the bundle has it, or gets as a copy that it writes to in vain: a warning, or with
 * `runtime.strict` what stands against the container. All other warnings are remarks (docs/warnings.md).
 */
import type { Planning } from "./plan-input.ts";

/** Code of a {@link Problem} that would be a warning otherwise. */
export const STRICT_CODE = "strict";

export function strictMessage(loss: string): string {
  return `${loss}: runtime.strict of the configuration does not allow that`;
}

export function lose({ configuration, problems, warnings }: Planning, loss: string): void {
  if (configuration.runtime.strict) problems.push({ code: STRICT_CODE, message: strictMessage(loss) });
  else warnings.push(loss);
}
