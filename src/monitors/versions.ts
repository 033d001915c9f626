/** What depends on a monitor's version; decision 004 says what is done about it. */
import { isBefore, parseVersion, type Version } from "../version-number.ts";

/** Something that only newer versions of a monitor can. */
export interface NeededVersion {
  readonly since: Version;
  /** The end of a sentence that says what it is needed for. */
  readonly what: string;
}

/** Bytes of an answer that are kept and looked at: a version is in the first line. */
export const ANSWER_LIMIT = 256;

/**
 * The version in what a program answered to `--version`. Another program in the monitor's place may have answered
 * anything, which is no version.
 *
 * @param form the answer of the monitor; the version is its first group.
 */
export function readVersion(answer: string, form: RegExp): Version | undefined {
  const text = form.exec(answer.slice(0, ANSWER_LIMIT))?.[1];
  return text === undefined ? undefined : parseVersion(text);
}

/** Whether a version is known and is this one or a newer. An unknown one is given nothing that an older may not take. */
export function isKnownSince(version: Version | undefined, since: Version): version is Version {
  return version !== undefined && !isBefore(version, since);
}
