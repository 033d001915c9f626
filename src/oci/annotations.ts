/**
 * Finds out whether a bundle is a unikernel and what its annotations say, from the spec's annotations or from the
 * image's /urunc.json. The spec wins when it has the three required keys; the two are never merged.
 */
import type { Problem } from "../failure.ts";
import { guestKind } from "../guests/kinds.ts";
import { monitorKind } from "../monitors/kinds.ts";
import { decodeBase64Text } from "./base64.ts";
import { type Findings, findings, isObject, type JsonObject, report } from "./decode.ts";
import type { UnikernelMetadata } from "./metadata.ts";
import { misspelled, whyForeign, whyForeignFile } from "./stray-keys.ts";
import {
  ANNOTATION_PREFIX,
  HOST_ONLY,
  OF_THE_SPEC,
  OUR_NAMES,
  REQUIRED,
  validateMetadata,
} from "./validate-metadata.ts";

export type MetadataOutcome =
  /** With what whoever has meant it for one has to hear. */
  | { readonly kind: "not-unikernel"; readonly warnings: readonly string[] }
  | { readonly kind: "unikernel"; readonly metadata: UnikernelMetadata; readonly warnings: readonly string[] }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/** Values by full annotation key. */
type Values = Readonly<Record<string, string>>;

const HOST_RESOURCES: readonly string[] = HOST_ONLY.map((name) => ANNOTATION_PREFIX + name);

/** Whether the spec's annotations alone describe the unikernel, so that urunc.json is not needed. */
export function annotationsAreComplete(annotations: Values): boolean {
  if (isSandbox(annotations)) return true;
  return Boolean(annotations[`${ANNOTATION_PREFIX}bootKernel`]) || hasRequired(annotations);
}

function hasRequired(values: Values): boolean {
  return REQUIRED.every((name) => values[ANNOTATION_PREFIX + name]);
}

/**
 * What containerd's CRI, CRI-O and cri-dockerd call the container that holds a pod's namespaces; it gets the pod's
 * annotations too. cri-dockerd says it in a label, which Docker keeps to itself, so that an annotation of that name is
 * what an administrator or a later version has to add.
 */
const SANDBOX: Values = {
  "io.kubernetes.cri.container-type": "sandbox",
  "io.kubernetes.cri-o.ContainerType": "sandbox",
  "io.kubernetes.docker.type": "podsandbox",
};

/**
 * Whether this is a pod's own container, which is never a unikernel. An engine that lets a pod's author set another
 * engine's key says what the container is by its own: one that says otherwise wins.
 */
export function isSandbox(annotations: Values): boolean {
  const said = Object.entries(SANDBOX).filter(([key]) => annotations[key] !== undefined);
  return said.length > 0 && said.every(([key, value]) => annotations[key] === value);
}

/**
 * `uruncJson` is the text of /urunc.json of the image, `undefined` when it has none; the caller caps its size. It is
 * looked at only when the annotations are not complete.
 *
 * @param others annotations that are no text.
 */
export function readMetadata(
  annotations: Values,
  uruncJson: string | undefined,
  others: Readonly<Record<string, unknown>> = {},
): MetadataOutcome {
  if (isSandbox(annotations)) return { kind: "not-unikernel", warnings: [] };
  const document = { noun: "annotation", members: { ...annotations, ...others } };
  if (annotationsAreComplete(annotations)) {
    const into = findings("config.json", "invalid-annotation");
    const values = ownValues(annotations);
    const plain = isEncoded(values) ? withoutHostResources(decodeAll(into, values)) : values;
    return outcome(into, plain, "annotations", misspelled(document));
  }
  if (uruncJson === undefined) return { kind: "not-unikernel", warnings: whyForeign(document) };
  const into = findings("urunc.json", "invalid-annotation");
  const file = { noun: "urunc.json of the image:", members: parseUruncJson(into, uruncJson) };
  const values = encodedValues(into, file.members);
  if (into.problems.length > 0) return { kind: "invalid", problems: into.problems };
  if (!hasRequired(values)) {
    return { kind: "not-unikernel", warnings: [...whyForeign(document), ...whyForeignFile(file)] };
  }
  const early = [...partialWarning(annotations), ...misspelled(document), ...misspelled(file)];
  return outcome(into, decodeAll(into, values), "urunc.json", early);
}

function outcome(
  into: Findings,
  values: Values,
  source: UnikernelMetadata["source"],
  early: readonly string[],
): MetadataOutcome {
  if (into.problems.length > 0) return { kind: "invalid", problems: into.problems };
  const warnings = [...early];
  const metadata = validateMetadata(into, values, source, warnings);
  return metadata === undefined
    ? { kind: "invalid", problems: into.problems }
    : { kind: "unikernel", metadata, warnings };
}

/** Only builders of images encode values, and no image names resources of the host. */
function withoutHostResources(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([key]) => !HOST_RESOURCES.includes(key)));
}

/** Says which annotations of the spec, spelled as they should be, were not used because the image's file describes the unikernel. */
function partialWarning(annotations: Values): readonly string[] {
  const ignored = Object.keys(ownValues(annotations)).filter((key) =>
    OUR_NAMES.includes(key.slice(ANNOTATION_PREFIX.length)),
  );
  if (ignored.length === 0) return [];
  return [`config.json: ${ignored.join(", ")} ignored: urunc.json of the image describes the unikernel`];
}

/** The image's: entries with our prefix that have a value and are not the container's own; `com.urunc.internal.` is nobody's to set and never read. */
function ownValues(annotations: Values): Values {
  const values: Record<string, string> = {};
  for (const key of Object.keys(annotations)) {
    const value = annotations[key];
    if (!value || !key.startsWith(ANNOTATION_PREFIX)) continue;
    if (!OF_THE_SPEC.includes(key.slice(ANNOTATION_PREFIX.length))) values[key] = value;
  }
  return values;
}

/**
 * Whether a builder left the values base64 encoded, as it writes them to urunc.json, in the image's annotations. Only
 * closed value sets decide, so that no plain value is ever taken for an encoded one.
 */
function isEncoded(values: Values): boolean {
  const guest = values[`${ANNOTATION_PREFIX}unikernelType`] ?? "";
  const monitor = values[`${ANNOTATION_PREFIX}hypervisor`] ?? "";
  if (guestKind(guest) !== undefined || monitorKind(monitor) !== undefined) return false;
  const decoded = [decodeBase64Text(guest) ?? "", decodeBase64Text(monitor) ?? ""] as const;
  return guestKind(decoded[0]) !== undefined && monitorKind(decoded[1]) !== undefined;
}

function decodeAll(into: Findings, values: Values): Values {
  const decoded: Record<string, string> = {};
  for (const key of Object.keys(values)) {
    const value = values[key] ?? "";
    const text = decodeBase64Text(value);
    if (text === undefined) report(into, key, "must be base64 of UTF-8 text", value);
    else if (text.includes("\0")) report(into, key, "must not contain a NUL character");
    else decoded[key] = text;
  }
  return decoded;
}

function parseUruncJson(into: Findings, text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    report(into, "", "must be JSON, but cannot be parsed");
    return {};
  }
  if (!isObject(value)) {
    report(into, "", "must be a JSON object", value);
    return {};
  }
  return value;
}

function encodedValues(into: Findings, members: JsonObject): Values {
  const values: Record<string, string> = {};
  for (const key of Object.keys(members)) {
    const entry = members[key];
    if (!key.startsWith(ANNOTATION_PREFIX)) continue;
    if (typeof entry !== "string") report(into, key, "must be a string", entry);
    else if (entry !== "") values[key] = entry;
  }
  return values;
}
