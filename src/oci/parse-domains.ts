/** `linux.personality` and `linux.timeOffsets` of config.json, and what of `linux` is not used. */
import { below, type Findings, integerIn, type JsonObject, objectIn, report, requiredTextIn } from "./decode.ts";
import { CLOCKS, PERSONALITIES, type Personality, type TimeOffsets } from "./spec.ts";

/** Members that a monitor has no use for; those of other places in config.json are in docs/security.md. */
const UNUSED: readonly string[] = ["mountLabel", "intelRdt", "netDevices"];

/** The specification has no flags so far. */
export function parsePersonality(into: Findings, linux: JsonObject): Personality | undefined {
  const path = "linux.personality";
  const value = objectIn(into, linux, "personality", "linux");
  if (value === undefined) return undefined;
  const domain = requiredTextIn(into, value, "domain", path);
  const personality = PERSONALITIES.find((name) => name === domain);
  if (domain !== undefined && personality === undefined) {
    report(into, below(path, "domain"), `must be one of ${PERSONALITIES.join(", ")}`, domain);
  }
  return personality;
}

/** Nothing where all offsets are nothing. */
export function parseTimeOffsets(into: Findings, linux: JsonObject): TimeOffsets | undefined {
  const path = "linux.timeOffsets";
  const value = objectIn(into, linux, "timeOffsets", "linux");
  if (value === undefined) return undefined;
  for (const key of Object.keys(value)) {
    if (!CLOCKS.some((clock) => clock === key)) report(into, below(path, key), `is no clock of ${CLOCKS.join(", ")}`);
  }
  const entries = CLOCKS.flatMap((clock) => {
    const offset = objectIn(into, value, clock, path);
    if (offset === undefined) return [];
    const place = below(path, clock);
    const secs = integerIn(into, offset, "secs", place, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) ?? 0;
    const nanosecs = integerIn(into, offset, "nanosecs", place, 0, 999_999_999) ?? 0;
    return [[clock, { secs, nanosecs }] as const];
  });
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

export function unusedMembers(linux: JsonObject): readonly string[] {
  const unused = UNUSED.filter((key) => isGiven(linux[key])).map((key) => `linux.${key}`);
  const { personality } = linux;
  const hasFlags = typeof personality === "object" && personality !== null && "flags" in personality;
  return hasFlags && isGiven(personality.flags) ? [...unused, "linux.personality.flags"] : unused;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "" && !(Array.isArray(value) && value.length === 0);
}
