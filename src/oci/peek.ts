/**
 * The little of config.json that decides who runs the container, read without judging the rest: a bundle that is no
 * unikernel is runc's to validate.
 */
import { isObject } from "./decode.ts";

export interface BundlePeek {
  /** Annotations that are text; all others are left out. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Those that are no text, and those of a member that is `annotations` in other letters only, which runc reads. */
  readonly others: Readonly<Record<string, unknown>>;
  /** `root.path` as written, when it is text. */
  readonly rootPath?: string;
}

export function peekBundle(value: unknown): BundlePeek {
  if (!isObject(value)) return { annotations: {}, others: {} };
  const root = value["root"];
  const rootPath = isObject(root) ? root["path"] : undefined;
  const annotations: Record<string, string> = {};
  const others: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    if (!/^annotations$/i.test(name)) continue;
    const members = value[name];
    if (!isObject(members)) continue;
    for (const key of Object.keys(members)) {
      const member = members[key];
      if (key === "__proto__") continue;
      if (name === "annotations" && typeof member === "string") annotations[key] = member;
      else others[name === "annotations" ? key : `${name}.${key}`] = member;
    }
  }
  return { annotations, others, ...(typeof rootPath === "string" ? { rootPath } : {}) };
}
