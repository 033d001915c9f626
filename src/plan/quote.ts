/** A word of a plan as people may read it and paste it into a shell. */
import { isPlainText, plainText } from "../plain-text.ts";

export { plainText };

export function shellWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  if (isPlainText(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  return `$'${plainText(word.replace(/[\\']/g, "\\$&"))}'`;
}
