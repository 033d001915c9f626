/** `hooks` of config.json (runtime-spec, config.md, section "POSIX-platform Hooks"). */
import {
  below,
  type Findings,
  integerIn,
  isObject,
  type JsonObject,
  listIn,
  objectIn,
  report,
  requiredTextIn,
  textsIn,
} from "./decode.ts";
import { parseEnvironment } from "./parse-process.ts";
import type { Hook, HookKind, Spec } from "./spec.ts";

const NO_HOOKS: Spec["hooks"] = {
  prestart: [],
  createRuntime: [],
  createContainer: [],
  startContainer: [],
  poststart: [],
  poststop: [],
};

export function parseHooks(into: Findings, config: JsonObject): Spec["hooks"] {
  const hooks = objectIn(into, config, "hooks", "");
  if (hooks === undefined) return NO_HOOKS;
  return {
    prestart: parseKind(into, hooks, "prestart"),
    createRuntime: parseKind(into, hooks, "createRuntime"),
    createContainer: parseKind(into, hooks, "createContainer"),
    startContainer: parseKind(into, hooks, "startContainer"),
    poststart: parseKind(into, hooks, "poststart"),
    poststop: parseKind(into, hooks, "poststop"),
  };
}

function parseKind(into: Findings, hooks: JsonObject, kind: HookKind): readonly Hook[] {
  const parsed: Hook[] = [];
  listIn(into, hooks, kind, "hooks").forEach((entry, index) => {
    const path = below(`hooks.${kind}`, index);
    if (!isObject(entry)) {
      report(into, path, "must be an object", entry);
      return;
    }
    const program = requiredTextIn(into, entry, "path", path) ?? "/";
    if (!program.startsWith("/")) report(into, below(path, "path"), "must be an absolute path", program);
    const args = textsIn(into, entry, "args", path);
    const timeout = integerIn(into, entry, "timeout", path, 1, Number.MAX_SAFE_INTEGER);
    parsed.push({
      path: program,
      args: args.length > 0 ? args : [program],
      env: parseEnvironment(into, entry, path),
      ...(timeout === undefined ? {} : { timeout }),
    });
  });
  return parsed;
}
