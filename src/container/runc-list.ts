import { environ } from "../sys/process.ts";
import { runProgram } from "../sys/program.ts";
import { findRunc } from "./runc.ts";
import type { ContainerState } from "./state.ts";

/** What `runc list` says of a root; nothing when runc is missing or fails. */
export function listOfRunc(root: string): readonly ContainerState[] {
  const runc = findRunc();
  if (runc === undefined) return [];
  const { output, code } = runProgram(runc, ["--root", root, "list", "--format", "json"], environ());
  if (code !== 0) return [];
  const value: unknown = JSON.parse(output);
  return Array.isArray(value) ? value.filter(isState) : [];
}

function isState(value: unknown): value is ContainerState {
  if (typeof value !== "object" || value === null) return false;
  const texts = ["id", "status", "bundle", "created", "owner"];
  return texts.every((name) => typeof Reflect.get(value, name) === "string");
}
