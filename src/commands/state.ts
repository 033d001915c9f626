import type { Invocation } from "../cli/command.ts";
import { notFound } from "../container/container-directory.ts";
import { findContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { stateOf } from "../container/state.ts";
import { jsonText } from "../json-text.ts";
import { writeAll } from "../sys/file.ts";

/** `state`: the runtime-spec's state object, in the shape of runc's. */
export function run({ global, args, argv }: Invocation): number {
  const found = findContainer(global, args[0] ?? "");
  if (found.owner === "runc") return becomeRunc(argv);
  if (found.owner !== "urunc") throw notFound();
  writeAll(1, `${jsonText(stateOf(global.root, found.record), 2)}\n`);
  return 0;
}
