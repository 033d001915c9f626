// What the C of the engine says of its bindings: for tests that compare tables of the documents with it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ENGINE = join(import.meta.dirname, "../../engine");

/** One function of `urunc:sys`. */
export interface CBinding {
  readonly name: string;
  /** The C function that carries it out. */
  readonly body: string;
}

/** All bindings, with their C. */
export function bindings(): readonly CBinding[] {
  return sources().flatMap((text) => {
    const bodies = new Map(
      [...text.matchAll(/^static JSValue (\w+)\(JSContext \*ctx, JSValueConst \*argv\) \{\n.*?^\}/gms)].map(
        ([body, name = ""]) => [name, body],
      ),
    );
    return [...text.matchAll(/\{ "(\w+)", (\w+), \d+, \d+ \},/g)].map(([, name = "", call = ""]) => ({
      name,
      body: bodies.get(call) ?? "",
    }));
  });
}

/** The names by which failed system calls are reported. */
export function reportedCalls(): ReadonlySet<string> {
  const calls = sources().flatMap((text) =>
    [...text.matchAll(/\bsys_(?:throw|done|number)\(ctx,(?:[^;]*?,)?\s*"(\w+)"/g)].map(([, call = ""]) => call),
  );
  return new Set(calls);
}

/** Rows of the first table of a Markdown file, cells without blanks around them. */
export function tableOf(markdown: string): readonly (readonly string[])[] {
  const [table = ""] = /^\|.*\n(\|.*\n?)*/m.exec(markdown) ?? [];
  return table
    .trim()
    .split("\n")
    .slice(2)
    .map((line) =>
      line
        .slice(1, -1)
        .split(" | ")
        .map((cell) => cell.trim()),
    );
}

/** Words in code quotes. */
export function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

function sources(): readonly string[] {
  return readdirSync(ENGINE)
    .filter((name) => /^sys_.*\.c$/.test(name))
    .map((name) => readFileSync(join(ENGINE, name), "utf8"));
}
