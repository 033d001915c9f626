/** Warnings that are kept in a container's state, for those whose engine throws the log away. */
import { plainText } from "../plan/quote.ts";

/** Annotation of the state: one warning a line, no control characters in it. */
export const WARNINGS_KEY = "com.urunc.warnings";

/** UTF-16 units of one warning. */
const LONGEST = 1024;
/** UTF-16 units of all of them; the state is read by every verb. */
const MOST_TEXT = 16384;

type Annotations = Readonly<Record<string, string>>;

/** Annotations with more warnings; each is there once, and those that have no room are counted. */
export function withWarnings(annotations: Annotations, warnings: readonly string[]): Annotations {
  if (warnings.length === 0) return annotations;
  const lines = new Set(warningsOf(annotations));
  let room = MOST_TEXT - (annotations[WARNINGS_KEY]?.length ?? 0);
  let left = 0;
  for (const warning of warnings) {
    const line = plainText(warning.slice(0, LONGEST));
    if (lines.has(line)) continue;
    room -= line.length + 1;
    if (room < 0) left++;
    else lines.add(line);
  }
  if (left > 0) lines.add(`${left} more have no room here: they are in the log`);
  return { ...annotations, [WARNINGS_KEY]: [...lines].join("\n") };
}

/** The warnings of a state. */
export function warningsOf(annotations: Annotations | undefined): readonly string[] {
  const text = annotations?.[WARNINGS_KEY] ?? "";
  return text === "" ? [] : text.split("\n");
}
