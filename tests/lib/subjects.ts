// The same questions are put to urunc with a unikernel and to runc with a busybox container: where runc answers
// otherwise, the question is wrong.
import { type BundleOptions, busyboxBundle, helloBundle } from "./bundle.ts";
import { type Runtime, runc, urunc } from "./runtime.ts";

interface Subject {
  readonly name: "urunc" | "runc";
  runtime(): Runtime;
  /** Prints `one two` among other things and ends with 0. */
  ending(options?: BundleOptions): string;
  /** Prints `tick 1`, `tick 2`, … and stays; SIGTERM ends it with 0. */
  staying(options?: BundleOptions): string;
}

export const SUBJECTS: readonly Subject[] = [
  {
    name: "runc",
    runtime: runc,
    ending: (options) => busyboxBundle({ ...options, args: ["/bin/echo", "one two"] }),
    staying: (options) =>
      busyboxBundle({
        ...options,
        args: [
          "/bin/sh",
          "-c",
          "trap 'exit 0' TERM; i=1; while :; do echo tick $i; i=$((i+1)); sleep 1 & wait $!; done",
        ],
      }),
  },
  {
    name: "urunc",
    runtime: () => urunc(),
    ending: (options) => helloBundle({ ...options, args: ["hello", "one two"] }),
    staying: (options) => helloBundle({ ...options, args: ["hello", "--stay"] }),
  },
];
