/**
 * The little of config.json that decides who runs the container, read without judging the rest: a bundle that is no
 * unikernel is runc's to validate.
 */
import { isObject } from "./decode.ts";

export interface BundlePeek {
  /** Annotations that are text; all others are left out. */
  readonly annotations: Readonly<Record<string, string>>;
  /** `root.path` as written, when it is text. */
  readonly rootPath?: string;
}

export function peekBundle(value: unknown): BundlePeek {
  if (!isObject(value)) return { annotations: {} };
  const root = value["root"];
  const rootPath = isObject(root) ? root["path"] : undefined;
  const annotations = textMembers(value["annotations"]);
  return typeof rootPath === "string" ? { annotations, rootPath } : { annotations };
}

function textMembers(value: unknown): Readonly<Record<string, string>> {
  if (!isObject(value)) return {};
  const members: Record<string, string> = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    if (typeof member === "string" && key !== "__proto__") members[key] = member;
  }
  return members;
}
