/**
 * The one error of the product. Effects throw it, pure rooms return {@link Problem}s, `main.ts` turns it into the log
 * line and the exit code.
 */
import { few } from "./few.ts";

/** Who can do something about a failure. */
export type FailureKind = "user" | "system" | "internal";

/** What went wrong, as a value: one finding about the input or the host. */
export interface Problem {
  /** Stable name of the finding, for example `bad-annotation`. */
  readonly code: string;
  /** Starts with the subject, no full stop; says what to do where that is not plain. */
  readonly message: string;
}

export class RuntimeFailure extends Error {
  override readonly name = "RuntimeFailure";
  readonly code: string;
  readonly kind: FailureKind;
  /** Exit status of the process; 1 for all but a failed `exec`, which callers expect to be 255. */
  readonly exitCode: number;

  constructor(code: string, message: string, options: { kind?: FailureKind; exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.kind = options.kind ?? "user";
    this.exitCode = options.exitCode ?? 1;
  }
}

/** As many of them as people read. */
export function fewProblems(problems: readonly Problem[]): readonly Problem[] {
  const messages = problems.map(({ message }) => message);
  return few(messages, "problems").map((message, index) => ({ code: problems[index]?.code ?? "more", message }));
}

/** One failure out of a list of findings. */
export function failureOf(step: string, problems: readonly Problem[]): RuntimeFailure {
  const [first] = problems;
  const text = fewProblems(problems)
    .map((problem) => problem.message)
    .join("; ");
  return new RuntimeFailure(first?.code ?? "invalid", `${step}: ${text}`);
}
