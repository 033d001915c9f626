/**
 * config.json becomes a {@link Spec} here and nowhere else. Strict about the type of everything a unikernel container
 * uses, tolerant of members it does not use or does not know (runtime-spec, section "Extensibility").
 */
import { type Result, refusal, success } from "../result.ts";
import {
  below,
  booleanIn,
  type Findings,
  findings,
  isObject,
  type JsonObject,
  listIn,
  objectIn,
  report,
  requiredTextIn,
  textIn,
  textsIn,
} from "./decode.ts";
import { parseHooks } from "./parse-hooks.ts";
import { parseLinux } from "./parse-linux.ts";
import { parseProcess } from "./parse-process.ts";
import type { Spec, SpecMount } from "./spec.ts";

/** Longest host name and domain name the kernel takes, in bytes (sethostname(2)). */
const NAME_LIMIT = 64;

export function parseSpec(value: unknown): Result<Spec> {
  const into = findings("config.json", "invalid-config");
  if (!isObject(value)) {
    report(into, "", "must be a JSON object", value);
    return refusal(into.problems);
  }
  const ociVersion = parseVersion(into, value);
  const root = parseRoot(into, value);
  const hostname = parseName(into, value, "hostname");
  const domainname = parseName(into, value, "domainname");
  const process = objectIn(into, value, "process", "");
  if (process === undefined) {
    if (value["process"] === undefined) report(into, "process", "is missing");
    return refusal(into.problems);
  }
  const spec: Spec = {
    ociVersion,
    root,
    ...(hostname ? { hostname } : {}),
    ...(domainname ? { domainname } : {}),
    process: parseProcess(into, process),
    mounts: parseMounts(into, value),
    hooks: parseHooks(into, value),
    annotations: parseAnnotations(into, value),
    linux: parseLinux(into, value),
  };
  return into.problems.length > 0 ? refusal(into.problems) : success(spec);
}

function parseVersion(into: Findings, config: JsonObject): string {
  const version = requiredTextIn(into, config, "ociVersion", "") ?? "";
  if (config["ociVersion"] !== undefined && !/^1\.\d+\.\d+(?:[-+].*)?$/.test(version)) {
    report(into, "ociVersion", "must be a version 1.x.y of the runtime specification", config["ociVersion"]);
  }
  return version;
}

function parseRoot(into: Findings, config: JsonObject): Spec["root"] {
  const root = objectIn(into, config, "root", "");
  if (root === undefined) {
    if (config["root"] === undefined) report(into, "root", "is missing");
    return { path: "", readonly: false };
  }
  const path = requiredTextIn(into, root, "path", "root") ?? "";
  if (path === "" && root["path"] === "") report(into, "root.path", "must not be empty");
  return { path, readonly: booleanIn(into, root, "readonly", "root") };
}

function parseName(into: Findings, config: JsonObject, key: "hostname" | "domainname"): string | undefined {
  const name = textIn(into, config, key, "");
  if (name !== undefined && (name.length > NAME_LIMIT || /[^\x21-\x7e]/.test(name))) {
    report(into, key, `must have at most ${NAME_LIMIT} printable ASCII characters`, name);
  }
  return name;
}

/** Relative destinations are taken from `/`, as the runtime-spec allows for older configurations. */
function parseMounts(into: Findings, config: JsonObject): readonly SpecMount[] {
  return listIn(into, config, "mounts", "").flatMap((entry, index) => {
    const path = below("mounts", index);
    if (!isObject(entry)) {
      report(into, path, "must be an object", entry);
      return [];
    }
    const destination = requiredTextIn(into, entry, "destination", path) ?? "";
    const type = textIn(into, entry, "type", path);
    const source = textIn(into, entry, "source", path);
    return [
      {
        destination: destination.startsWith("/") ? destination : `/${destination}`,
        ...(type ? { type } : {}),
        ...(source ? { source } : {}),
        options: textsIn(into, entry, "options", path),
        ...(isMapped(entry["uidMappings"]) || isMapped(entry["gidMappings"]) ? { isIdMapped: true } : {}),
      },
    ];
  });
}

function isMapped(mappings: unknown): boolean {
  return Array.isArray(mappings) && mappings.length > 0;
}

/** Keys are not empty and values are text (runtime-spec, section "Annotations"). */
function parseAnnotations(into: Findings, config: JsonObject): Readonly<Record<string, string>> {
  const annotations = objectIn(into, config, "annotations", "");
  if (annotations === undefined) return {};
  if (areAnnotations(annotations)) return annotations;
  for (const [key, value] of Object.entries(annotations)) {
    if (key === "") report(into, "annotations", "must not have an empty key");
    else if (key.includes("\0"))
      report(into, `annotations[${JSON.stringify(key)}]`, "must not contain a NUL character");
    else textIn(into, annotations, key, "annotations");
    if (value === null) report(into, below("annotations", key), "must be a string", value);
  }
  return {};
}

function areAnnotations(annotations: JsonObject): annotations is Readonly<Record<string, string>> {
  for (const key of Object.keys(annotations)) {
    const value = annotations[key];
    if (key === "" || key.includes("\0") || typeof value !== "string" || value.includes("\0")) return false;
  }
  return true;
}
