import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseConfiguration } from "../../src/config/parse-configuration.ts";
import { readMetadata } from "../../src/oci/annotations.ts";
import { decodeBase64Text } from "../../src/oci/base64.ts";
import { cleanPath } from "../../src/oci/clean-path.ts";
import { parseSpec } from "../../src/oci/parse-spec.ts";
import { peekBundle } from "../../src/oci/peek.ts";
import { FULL_CONFIG, mutated, nasty, runs } from "../lib/arbitrary.ts";

const PREFIX = "com.urunc.unikernel.";
const KEYS = [
  ...["unikernelType", "hypervisor", "binary", "cmdline", "unikernelVersion", "initrd", "block", "blkMntPoint"],
  ...["mountRootfs", "solo5NetDev", "solo5BlkDev", "vAccel", "RPCAddress", "bootKernel", "bootInitrd", "useDMBlock"],
];
const WORDS = ["linux", "unikraft", "rumprun", "mirage", "hermit", "qemu", "hvt", "spt", "/kernel", "true", "x", ""];

const key = fc.oneof(
  fc.constantFrom(...KEYS.map((name) => PREFIX + name)),
  fc.constantFrom("__proto__", "constructor", "toString", `${PREFIX}__proto__`, "com.urunc.internal.rootfs.params"),
  nasty,
);
const value = fc.oneof(fc.constantFrom(...WORDS), nasty);
const encode = (text: string) => Buffer.from(text, "utf8").toString("base64");

describe("config.json", () => {
  test("of any JSON is a spec or a list of problems", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        const result = parseSpec(json);
        if (!result.ok) expect(result.problems.length).toBeGreaterThan(0);
        peekBundle(json);
      }),
      runs(2000),
    );
  });

  test("with one changed member is a spec or a list of problems that name their place", () => {
    expect(parseSpec(FULL_CONFIG).ok).toBe(true);
    fc.assert(
      fc.property(mutated(FULL_CONFIG), (json) => {
        const result = parseSpec(json);
        if (result.ok) return;
        for (const problem of result.problems) expect(problem.message).toMatch(/^config\.json: \S/);
      }),
      runs(2000),
    );
  });
});

describe("annotations", () => {
  test("of any content are metadata, problems or nothing of ours", () => {
    fc.assert(
      fc.property(fc.dictionary(key, value), fc.option(value, { nil: undefined }), (annotations, text) => {
        expect(["not-unikernel", "unikernel", "invalid"]).toContain(readMetadata(annotations, text).kind);
      }),
      runs(2000),
    );
  });

  test("that are complete and valid are read the same from both sources", () => {
    const some = fc.record({
      unikernelType: fc.constantFrom("linux", "unikraft"),
      hypervisor: fc.constant("qemu"),
      binary: fc.constantFrom("/kernel", "boot/kernel"),
      cmdline: nasty,
    });
    fc.assert(
      fc.property(some, (values) => {
        const entries = Object.entries(values);
        const plain = Object.fromEntries(entries.map(([name, text]) => [PREFIX + name, text]));
        const encoded = Object.fromEntries(entries.map(([name, text]) => [PREFIX + name, encode(text)]));
        const direct = readMetadata(plain, undefined);
        const fromImage = readMetadata({}, JSON.stringify(encoded));
        const fromBuilder = readMetadata(encoded, undefined);
        expect(fromBuilder).toEqual(direct);
        expect(direct.kind).toBe("unikernel");
        expect(fromImage.kind).toBe("unikernel");
        if (direct.kind !== "unikernel" || fromImage.kind !== "unikernel") return;
        expect({ ...fromImage.metadata, source: "" }).toEqual({ ...direct.metadata, source: "" });
      }),
      runs(500),
    );
  });
});

describe("urunc.json", () => {
  test("of any text or JSON never throws", () => {
    const anything = fc.oneof(
      nasty,
      fc.json(),
      fc.dictionary(key, fc.oneof(fc.jsonValue(), value.map(encode))).map((members) => JSON.stringify(members)),
    );
    fc.assert(
      fc.property(anything, (text) => {
        expect(["not-unikernel", "unikernel", "invalid"]).toContain(readMetadata({}, text).kind);
      }),
      runs(2000),
    );
  });
});

describe("base64", () => {
  test("of any text is decoded to that text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(decodeBase64Text(encode(text))).toBe(text);
      }),
      runs(1000),
    );
  });

  test("of any bytes is decoded exactly when they are well-formed UTF-8", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        let text: string | undefined;
        try {
          text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
        } catch {
          text = undefined;
        }
        expect(decodeBase64Text(Buffer.from(bytes).toString("base64"))).toBe(text);
      }),
      runs(2000),
    );
  });

  test("is refused in any other spelling", () => {
    fc.assert(
      fc.property(nasty, (text) => {
        const decoded = decodeBase64Text(text);
        if (decoded !== undefined) expect(encode(decoded)).toBe(text);
      }),
      runs(1000),
    );
  });
});

describe("the configuration file", () => {
  test("of any text is a configuration or a problem", () => {
    const tokens = [
      "[",
      "]",
      "[[",
      "]]",
      "=",
      "\n",
      '"',
      "'''",
      "monitors",
      ".",
      "qemu",
      "path",
      "log",
      "level",
      "1",
      "-1",
    ];
    const more = [
      "true",
      "{",
      "}",
      ",",
      "1e9",
      "0x",
      "1979-05-27",
      "__proto__",
      "#",
      "\\u0000",
      "é",
      "default_vcpus",
      "nan",
    ];
    const text = fc.oneof(
      nasty,
      fc.array(fc.constantFrom(...tokens, ...more), { maxLength: 20 }).map((words) => words.join("")),
      fc.array(fc.constantFrom(...tokens, ...more), { maxLength: 20 }).map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(text, (toml) => {
        const result = parseConfiguration(toml, "/c.toml");
        if (result.ok) expect(result.value.monitors.qemu.defaultMemoryMb).toBeGreaterThan(0);
        else for (const problem of result.problems) expect(problem.message).toMatch(/^\/c\.toml: \S/);
      }),
      runs(2000),
    );
  });

  test("that nests without end is a problem", () => {
    expect(parseConfiguration(`a = ${"[".repeat(100_000)}`, "/c.toml").ok).toBe(false);
    expect(parseConfiguration(`a${".a".repeat(50_000)} = 1`, "/c.toml")).toHaveProperty("ok");
  });
});

describe("a clean path", () => {
  test("is clean, and below the root when it was absolute", () => {
    const segment = fc.constantFrom("", ".", "..", "a", "b.c", "...");
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 8 }), (segments) => {
        const clean = cleanPath(segments.join("/"));
        expect(cleanPath(clean)).toBe(clean);
        if (clean.startsWith("/")) expect(clean.split("/")).not.toContain("..");
      }),
      runs(1000),
    );
  });
});
