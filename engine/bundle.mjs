// Build tool: bundles one TypeScript entry into the flat folder of ECMAScript modules that engine/bytecode.c compiles.
//
//   node engine/bundle.mjs ENTRY.ts OUTPUT-FOLDER
//
// A file is written only when its content has changed, so that make sees what is new. The file `modules.list` names all,
// the entry first.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";

const [entry, folder] = process.argv.slice(2);
if (entry === undefined || folder === undefined) {
  console.error("usage: node engine/bundle.mjs ENTRY.ts OUTPUT-FOLDER");
  process.exit(1);
}

const { outputFiles } = await build({
  entryPoints: { main: entry },
  outdir: folder,
  bundle: true,
  format: "esm",
  splitting: true,
  platform: "neutral",
  mainFields: ["module", "main"],
  external: ["urunc:sys"],
  target: "es2023",
  minify: true,
  write: false,
  logLevel: "warning",
}).catch(() => process.exit(1)); // esbuild has printed the errors

function writeIfChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeFileSync(path, text);
}

mkdirSync(folder, { recursive: true });
const names = outputFiles
  .map((file) => basename(file.path))
  .sort((a, b) => (b === "main.js") - (a === "main.js") || (a < b ? -1 : 1));
for (const file of outputFiles) writeIfChanged(join(folder, basename(file.path)), file.text);
writeIfChanged(join(folder, "modules.list"), `${names.join("\n")}\n`);
for (const name of readdirSync(folder))
  if (name !== "modules.list" && !names.includes(name)) rmSync(join(folder, name));
