/**
 * What monitors answered to `--version`, kept until their files change, so that `create` need not run them. An answer
 * is the text of a symbolic link: it is read by one call, and no half of it can be written.
 */
import { fnv1a } from "../fnv.ts";
import { isSysError } from "../sys/errors.ts";
import {
  close,
  emptyDirectory,
  fileIdentity,
  readdir,
  readlinkat,
  removeIfPresent,
  renameat2,
  symlinkat,
} from "../sys/file.ts";
import { lockWithin } from "../sys/lock.ts";
import { openPrivateDirectory } from "../sys/private-directory.ts";
import { askVersion } from "./ask-version.ts";

/** Who asks is done by then, or is stopped. */
const LOCK_TIMEOUT_MS = 4000;
/** Answers that are kept: more programs than a host has monitors, so that files in changing places do not pile up. */
const MOST = 64;

/**
 * The answer of the program whose file is open, from the last time if it is still the same file. Empty when it gives
 * none, or could not be run now.
 *
 * @param path where the file lies, by its own name.
 * @param directory of the answers. One that others own, can write to or have put a link in the place of is not used.
 */
export function versionAnswer(program: number, path: string, directory: string): string {
  try {
    const answers = openPrivateDirectory(directory);
    if (answers === undefined) return askVersion(program, path);
    try {
      return keptAnswer(answers, program, path);
    } finally {
      close(answers);
    }
  } catch (error) {
    if (isSysError(error)) return "";
    throw error;
  }
}

/** One process at a time asks; the others find its answer. */
function keptAnswer(answers: number, program: number, path: string): string {
  const name = fnv1a(path).toString(16);
  const identity = `${fileIdentity(program).join(":")}\n`;
  const known = readAnswer(answers, name, identity);
  if (known !== undefined) return known;
  lockWithin(answers, LOCK_TIMEOUT_MS);
  const found = readAnswer(answers, name, identity);
  if (found !== undefined) return found;
  const [answer = ""] = askVersion(program, path).split("\0", 1);
  keep(answers, name, identity + answer);
  return answer;
}

/** What is no link of ours, or tells of another file, is no answer. */
function readAnswer(answers: number, name: string, identity: string): string | undefined {
  try {
    const text = readlinkat(answers, name);
    return text.startsWith(identity) ? text.slice(identity.length) : undefined;
  } catch (error) {
    if (isSysError(error)) return undefined;
    throw error;
  }
}

/** Where it cannot be kept, as on a full disk, it is asked for again. */
function keep(answers: number, name: string, text: string): void {
  const temporary = `${name}.tmp`;
  try {
    if (readdir(answers).length >= MOST) emptyDirectory(answers);
    removeIfPresent(answers, temporary);
    symlinkat(text, answers, temporary);
    renameat2(answers, temporary, answers, name, 0);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}
