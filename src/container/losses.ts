import { RuntimeFailure } from "../failure.ts";
import { STRICT_CODE, strictMessage } from "../plan/lose.ts";
import type { PlanInput } from "../plan/plan-input.ts";

/**
 * What to do about a loss of the guest that shows only while the plan is carried out: it is warned of, or with
 * `runtime.strict` the end of it.
 */
export function loserOf(
  { configuration }: Pick<PlanInput, "configuration">,
  warn: (message: string) => void,
): (loss: string) => void {
  if (!configuration.runtime.strict) return warn;
  return (loss) => {
    throw new RuntimeFailure(STRICT_CODE, strictMessage(loss));
  };
}
