// Every place of the sources where something is opened by a name, found in the syntax tree.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** Which argument is the path, for each function that opens what stands there, whatever it is. */
const OPENERS: Readonly<Record<string, number>> = {
  open: 0,
  openat: 1,
  openat2: 1,
  openInRoot: 1,
  openOnProc: 1,
  openPtyMaster: 0,
  connectUnix: 1,
  connectWithin: 0,
  execve: 0,
  mount: 0,
  readTextFile: 0,
  readTextFileIfPresent: 0,
  runProgram: 0,
  withFile: 0,
};

/** open(2): a reference only, an error for what is no directory, or a file that was not there before. */
const HARMLESS = /\bO_PATH\b|\bO_DIRECTORY\b|\bO_CREAT \| O_EXCL\b/;

export interface Opening {
  /** Below `src`. */
  readonly file: string;
  /** Function and path as the source has them, without quotation marks: `open(/dev/kvm)`. */
  readonly call: string;
}

/**
 * The calls of one source, but those whose flags say that nothing is opened before it is known to be what it should be.
 * The border's own room is left out: it says what the functions do, not what is opened.
 */
export function openingsIn(file: string, source: string): readonly Opening[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Opening[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression)) {
      const [name, words] = [node.expression.text, node.arguments.map((argument) => argument.getText(tree))];
      const path = Object.hasOwn(OPENERS, name) ? words[OPENERS[name] ?? 0] : undefined;
      const flags = words.filter((word) => !word.includes("=>")).join(", ");
      if (path !== undefined && path !== "null" && !HARMLESS.test(flags)) {
        found.push({ file, call: `${name}(${path.replace(/["`]/g, "")})` });
      }
    }
    node.forEachChild(visit);
  };
  visit(tree);
  return found;
}

export function openingsBelow(directory: string): readonly Opening[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.startsWith("sys/"))
    .sort()
    .flatMap((name) => openingsIn(name, readFileSync(join(directory, name), "utf8")));
}
