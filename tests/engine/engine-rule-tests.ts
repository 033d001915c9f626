/** What the engine must not be able to do: compile text, load from a disk. */

import * as sys from "urunc:sys";
import { check, describe, equal, scratchPath, type Test, test, throwsNamed, withFd } from "./harness.ts";

async function refusedImport(specifier: string): Promise<void> {
  try {
    await import(specifier);
  } catch (error) {
    check(error instanceof ReferenceError, `${specifier} is refused with a ReferenceError, found ${describe(error)}`);
    return;
  }
  throw new Error(`${specifier} was imported`);
}

function makeFunction(maker: unknown): unknown {
  return typeof maker === "function" ? Reflect.construct(maker, ["return 1"]) : undefined;
}

export const engineRuleTests: readonly Test[] = [
  test([], "eval cannot compile text", () => {
    const indirect: unknown = Reflect.get(globalThis, "eval");
    if (typeof indirect === "function") throwsNamed("TypeError", () => Reflect.apply(indirect, undefined, ["1 + 1"]));
  }),

  test([], "no constructor of functions can compile text", () => {
    const functions = [() => {}, async () => {}, function* () {}, async function* () {}];
    for (const sample of functions) {
      throwsNamed("TypeError", () => makeFunction(Reflect.getPrototypeOf(sample)?.constructor));
    }
    throwsNamed("TypeError", () => Reflect.apply(Function, undefined, ["return 1"]));
  }),

  test([], "there are no modules of the host and no way out but urunc:sys", async () => {
    for (const name of ["std", "os", "bjson", "qjs:std", "qjs:os", "node:fs", "fs"]) await refusedImport(name);
    for (const name of ["std", "os", "require", "process", "print", "console", "scriptArgs"]) {
      equal(Reflect.has(globalThis, name), false);
    }
  }),

  test([], "import of a path is refused, whether the file exists or not", async () => {
    const path = scratchPath("evil.js");
    withFd(sys.open(path, 2 | 0o100, 0o600), (fd) => sys.writeText(fd, "export const evil = true;"));
    for (const specifier of [path, `file://${path}`, "../evil.js", "/etc/passwd", "", ".", "./"]) {
      await refusedImport(specifier);
    }
  }),

  test(["getcwd", "chdir", "fchdir"], "a folder full of modules is not looked at", async () => {
    const names = ["evil.js", "index.js", "package.json", "std.js", "urunc:sys", "module.mjs"];
    const folder = scratchPath("cwd");
    sys.mkdirat(-100, folder, 0o700);
    for (const name of names) {
      withFd(sys.open(`${folder}/${name}`, 2 | 0o100, 0o600), (fd) => sys.writeText(fd, "export const evil = true;"));
    }
    const before = sys.open(".", 0);
    try {
      sys.chdir(folder);
      equal(sys.getcwd(), folder);
      for (const name of names.filter((name) => name !== "urunc:sys")) {
        await refusedImport(name);
        await refusedImport(`./${name}`);
      }
      const again: unknown = await import("urunc:sys");
      equal(again === sys, true);
    } finally {
      sys.fchdir(before);
      sys.close(before);
    }
  }),

  test([], "what the product needs of the language is there", async () => {
    equal(
      "a1b22".replace(/\d+/gu, (digits) => `<${digits}>`),
      "a<1>b<22>",
    );
    equal(/^x{2}$/.test("xx"), true);
    equal([...new Map([["a", 1]]).entries(), ...new Set(["b"])], [["a", 1], "b"]);
    equal(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
    equal(structured(), { a: [1, 2], b: { c: null } });
    equal(await Promise.all([Promise.resolve(1), 2]), [1, 2]);
  }),
];

function structured(): unknown {
  return JSON.parse('{"a":[1,2],"b":{"c":null}}');
}
