/**
 * Keys that somebody has meant for us and that have no effect: misspelled ones, and those of a bundle that goes to runc
 * since a required one is missing. Such a bundle runs without a monitor, so whoever wrote it has to hear of it.
 */
import { editDistance } from "../nearest.ts";
import { inShort } from "./decode.ts";
import { ANNOTATION_PREFIX, OUR_NAMES, REQUIRED } from "./validate-metadata.ts";

/** Keys that are told one by one; of more only the number. */
const MOST_TOLD = 8;
/** Characters of the longest key that is compared with ours. */
const LONGEST_KEY = 128;
/** Edits between the part of a key before its last dot and ours, up to which it is a slip. */
const MOST_SLIPS = 3;

const HEAD = ANNOTATION_PREFIX.slice(0, -1);
const OURS: readonly string[] = OUR_NAMES.map((name) => ANNOTATION_PREFIX + name);
/** Written by this runtime and others of its kind, or in another document than a bundle. */
const NOT_METADATA: readonly string[] = ["com.urunc.internal.", "com.urunc.runtime.", "com.urunc.warnings"];
/** Names that mean nothing to anybody else, whatever stands before them. */
const TELLING: readonly string[] = OUR_NAMES.filter((name) => /unikernel|boot|solo5|blk|mountRootfs/.test(name)).map(
  (name) => name.toLowerCase(),
);
/** Three slips leave one of these four parts of {@link HEAD} whole. */
const PART_OF_HEAD = /com\.u|runc\.|unike|rnel/;

/** A document with keys, as it was found. */
export interface KeyedDocument {
  /** What messages call its keys, for example `annotation`. */
  readonly noun: string;
  /** Every member, whatever its value is. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** Keys that look like ours and are not: each with the one that was meant. */
export function misspelled({ noun, members }: KeyedDocument): readonly string[] {
  const keys = Object.keys(members).filter((key) => !OURS.includes(key) && isMeant(key));
  return told(keys, (key) => {
    return `${noun} ${plain(key)} ignored: it is not known: did you mean ${ANNOTATION_PREFIX}${meant(key)}?`;
  });
}

/**
 * Why a document with keys of ours names no unikernel.
 *
 * @returns empty when nothing in it is meant for us.
 */
export function whyForeign(document: KeyedDocument): readonly string[] {
  const { noun, members } = document;
  const slips = misspelled(document);
  const own = OURS.filter((key) => Object.hasOwn(members, key));
  if (slips.length + own.length === 0) return [];
  const unusable = own.filter((key) => typeof members[key] !== "string" || members[key] === "");
  const missing = REQUIRED.map((name) => ANNOTATION_PREFIX + name).filter(
    (key) => !own.includes(key) || unusable.includes(key),
  );
  const [are, them] = missing.length === 1 ? ["is", "it"] : ["are", "them"];
  return [
    ...slips,
    ...unusable.map((key) =>
      members[key] === ""
        ? `${noun} ${key} is empty`
        : `${noun} ${key} must be a string, found ${inShort(members[key])}`,
    ),
    `${noun} ${missing.join(", ")} ${are} missing: without ${them} this is no unikernel`,
  ];
}

/** The same for an image's urunc.json: a file that nobody but us looks for is meant for us, whatever stands in it. */
export function whyForeignFile(file: KeyedDocument): readonly string[] {
  const reasons = whyForeign(file);
  return reasons.length > 0 ? reasons : [`${file.noun} it has no key of ours: without them this is no unikernel`];
}

/** The name of ours with the fewest edits from a key, as a whole or behind its last dot. */
function meant(key: string): string {
  const lower = key.slice(0, LONGEST_KEY).toLowerCase();
  const tail = lower.slice(lastCut(lower) + 1);
  const distances = OUR_NAMES.map((name) => {
    const own = name.toLowerCase();
    return Math.min(editDistance(tail, own), editDistance(lower, ANNOTATION_PREFIX + own));
  });
  return OUR_NAMES[distances.indexOf(Math.min(...distances))] ?? "";
}

/** Where the last of what separates the parts of a key stands; -1: nowhere. */
function lastCut(key: string): number {
  return key.search(/[^a-z0-9][a-z0-9]*$/);
}

function isMeant(key: string): boolean {
  if (key.length > LONGEST_KEY) return key.slice(0, LONGEST_KEY).toLowerCase().includes(HEAD);
  const lower = key.toLowerCase();
  if (NOT_METADATA.some((start) => lower.startsWith(start))) return false;
  if (lower.includes("urunc")) return true;
  const cut = lastCut(lower);
  if (TELLING.includes(lower.slice(cut + 1))) return true;
  const head = lower.slice(0, Math.max(0, cut));
  if (Math.abs(head.length - HEAD.length) > MOST_SLIPS || !PART_OF_HEAD.test(head)) return false;
  return editDistance(head, HEAD) <= MOST_SLIPS;
}

function told(keys: readonly string[], tell: (key: string) => string): readonly string[] {
  const lines = keys.slice(0, MOST_TOLD).map(tell);
  const more = keys.length - lines.length;
  return more === 0 ? lines : [...lines, `${more} more keys like these are not known`];
}

/** A key as it may stand in a message. */
function plain(key: string): string {
  return /^[\w./-]+$/.test(key) && key.length <= LONGEST_KEY ? key : inShort(key);
}
