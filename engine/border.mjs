// Build tool: fails when a function declared in src/sys/native.d.ts has no binding in C, or the other way round. That each
// has a test as well is checked by tests/engine, by the compiler and by the first test.
import { readdirSync, readFileSync } from "node:fs";

const declared = names(readFileSync("src/sys/native.d.ts", "utf8"), /^ {2}export function (\w+)\(/gm);
const bound = readdirSync("engine")
  .filter((file) => /^sys_\w+\.c$/.test(file))
  .flatMap((file) => names(readFileSync(`engine/${file}`, "utf8"), /^ {4}\{ "(\w+)", sys_\w+, \d, \d \},$/gm));

function names(text, pattern) {
  return [...text.matchAll(pattern)].map((match) => match[1]);
}

const problems = [
  ...declared.filter((name) => !bound.includes(name)).map((name) => `${name} is declared but has no binding`),
  ...bound.filter((name) => !declared.includes(name)).map((name) => `${name} has a binding but is not declared`),
];
for (const problem of problems) console.error(`engine/border.mjs: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
