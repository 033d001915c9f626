// Build tool: makes the QuickJS of the product, in which reference counts in the frozen heap are not written (immortal.h).
//
//   node engine/immortal.mjs QUICKJS-SOURCE OUTPUT-FOLDER
//
// Only the sites that change a count, or look whether it is 1, are rewritten. The numbers below are those of the version in
// quickjs.lock. With another version the build stops until somebody has read what is new: every place that takes a reference
// away must be among the sites, and every place that changes a value in place because its count is 1. Left alone are the
// garbage collector, which never runs in the program, the compiler's labels, and the records of Map and Set, which are no values.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const files = {
  "quickjs.h": {
    mentions: 5,
    sites: [
      [/^void __JS_FreeValue\(/gm, '#include "immortal.h"\n$&', 1],
      [/--(p->ref_count)\b/g, "count_down(&$1)", 2],
      [/\b(p->ref_count)\+\+;/g, "count_up(&$1);", 2],
    ],
  },
  "quickjs.c": {
    mentions: 143,
    sites: [
      [/--(\w+->header\.ref_count)\b/g, "count_down(&$1)", 6],
      [/\b(str->header\.ref_count)--;/g, "count_down(&$1);", 1],
      [/(\b[\w.>-]+->header\.ref_count)\+\+;/g, "count_up(&$1);", 16],
      // A shape to which a property is added, a string that grows at its end.
      [/\b((?:sh|p1)->header\.ref_count) != 1\b/g, "is_shared(&$1)", 3],
    ],
  },
};

const [source, folder] = process.argv.slice(2);
if (source === undefined || folder === undefined) {
  console.error("usage: node engine/immortal.mjs QUICKJS-SOURCE OUTPUT-FOLDER");
  process.exit(1);
}

/** Ends the build when the pattern is found more or less often than known. */
function expect(text, name, pattern, known) {
  const found = text.match(pattern)?.length ?? 0;
  if (found === known) return;
  console.error(
    `engine/immortal.mjs: ${name} has ${found} times ${pattern.source}, not ${known}. Read what has changed`,
  );
  process.exit(1);
}

mkdirSync(folder, { recursive: true });
for (const [name, { mentions, sites }] of Object.entries(files)) {
  let text = readFileSync(join(source, name), "utf8");
  expect(text, name, /ref_count/g, mentions);
  for (const [pattern, replacement, known] of sites) {
    expect(text, name, pattern, known);
    text = text.replace(pattern, replacement);
  }
  writeFileSync(join(folder, name), text);
}
