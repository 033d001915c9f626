import { spawnSync } from "node:child_process";
import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cpioHead, cpioPadding, cpioTrailer } from "../../src/storage/cpio.ts";

/** A tree: text is a file, an array a symbolic link, an object a directory. */
type Tree = { readonly [name: string]: string | readonly [string] | Tree };

// `.` and `..` are no names; a `TRAILER!!!` at the top ends an archive.
const name = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 12 })
  .map((text) => text.replace(/[\0/]/g, "_"))
  .filter((text) => text !== "." && text !== ".." && text !== "TRAILER!!!");

const { tree } = fc.letrec<{ tree: Tree; node: Tree[string] }>((tie) => ({
  tree: fc.dictionary(name, tie("node"), { maxKeys: 5, noNullPrototype: true }),
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.string({ unit: "grapheme", maxLength: 40 }),
    fc.tuple(name),
    tie("tree"),
  ),
}));

function archive(content: Tree, prefix = ""): string {
  return Object.entries(content)
    .map(([key, node]) => {
      const path = prefix + key;
      const isDirectory = typeof node === "object" && !Array.isArray(node);
      const data = typeof node === "string" ? node : Array.isArray(node) ? String(node[0]) : "";
      const mode = isDirectory ? 0o040755 : typeof node === "string" ? 0o100640 : 0o120777;
      const size = Buffer.byteLength(data);
      const numbers = { uid: 0, gid: 0, mtime: 1, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
      const own = cpioHead({ name: path, mode, size, ...numbers }) + data + cpioPadding(size);
      return isDirectory ? own + archive(Object.fromEntries(Object.entries(node)), `${path}/`) : own;
    })
    .join("");
}

function readTree(directory: string): Tree {
  return Object.fromEntries(
    readdirSync(directory).map((key) => {
      const path = join(directory, key);
      const stat = lstatSync(path);
      if (stat.isDirectory()) return [key, readTree(path)];
      return [key, stat.isSymbolicLink() ? [readlinkSync(path)] : readFileSync(path, "utf8")];
    }),
  );
}

test("every tree comes out of cpio as it went into the archive", () => {
  fc.assert(
    fc.property(tree, (content) => {
      const directory = mkdtempSync(join(tmpdir(), "urunc-cpio-"));
      try {
        const input = archive(content) + cpioTrailer();
        const done = spawnSync("cpio", ["-id", "--quiet", "--no-absolute-filenames"], { cwd: directory, input });
        expect(done.stderr.toString()).toBe("");
        expect(readTree(directory)).toEqual(content);
      } finally {
        rmSync(directory, { recursive: true });
      }
    }),
    { numRuns: 100 },
  );
});
