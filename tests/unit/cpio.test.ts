import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { type CpioEntry, cpioHead, cpioPadding, cpioTrailer } from "../../src/storage/cpio.ts";

const ENTRY: CpioEntry = {
  name: "etc/hosts",
  mode: 0o100644,
  uid: 12,
  gid: 34,
  mtime: 1_700_000_000,
  size: 5,
  ino: 7,
  nlink: 1,
  rdevMajor: 0,
  rdevMinor: 0,
};

function archive(entries: readonly (readonly [Partial<CpioEntry>, string])[]): Buffer {
  const parts = entries.flatMap(([entry, content]) => {
    const size = Buffer.byteLength(content);
    return [cpioHead({ ...ENTRY, ...entry, size }), content, cpioPadding(size)];
  });
  return Buffer.from([...parts, cpioTrailer()].join(""));
}

function list(input: Buffer): readonly string[] {
  const done = spawnSync("cpio", ["-itvn", "--quiet"], { input, encoding: "utf8", env: { ...process.env, TZ: "UTC" } });
  expect(done.stderr).toBe("");
  return done.stdout.trimEnd().split("\n");
}

describe("an entry of a cpio archive", () => {
  test("has thirteen numbers, the name with a NUL, and whole groups of four bytes", () => {
    expect(cpioHead(ENTRY)).toBe(
      `070701${"00000007"}${"000081a4"}${"0000000c"}${"00000022"}${"00000001"}${"6553f100"}${"00000005"}${"0".repeat(32)}${"0000000a"}${"0".repeat(8)}etc/hosts\0`,
    );
    for (const name of ["a", "ab", "abc", "abcd", "ä", "日本"]) {
      expect(Buffer.byteLength(cpioHead({ ...ENTRY, name })) % 4).toBe(0);
    }
  });

  test("is refused by its name when a number has no room in it", () => {
    expect(cpioHead({ ...ENTRY, size: 2 ** 32 - 1 }).slice(54, 62)).toBe("ffffffff");
    for (const number of ["size", "ino", "uid", "rdevMinor"] as const) {
      expect(() => cpioHead({ ...ENTRY, [number]: 2 ** 32 })).toThrow("etc/hosts has more than 4294967295 bytes");
    }
  });

  test("holds times that the format has no room for as the nearest it has", () => {
    expect(cpioHead({ ...ENTRY, mtime: -5 }).slice(46, 54)).toBe("00000000");
    expect(cpioHead({ ...ENTRY, mtime: 2 ** 40 }).slice(46, 54)).toBe("ffffffff");
  });
});

describe("cpio lists", () => {
  test("files, directories, links, devices and pipes with their modes, owners and sizes", () => {
    const input = archive([
      [{ name: ".", mode: 0o040755, ino: 1 }, ""],
      [{ name: "dir", mode: 0o041777, ino: 2 }, ""],
      [{ name: "dir/file", mode: 0o104751, ino: 3 }, "seven b"],
      [{ name: "link", mode: 0o120777, ino: 4 }, "dir/file"],
      [{ name: "null", mode: 0o020666, ino: 5, rdevMajor: 1, rdevMinor: 3 }, ""],
      [{ name: "disk", mode: 0o060600, ino: 6, rdevMajor: 259, rdevMinor: 300 }, ""],
      [{ name: "pipe", mode: 0o010640, ino: 7 }, ""],
      [{ name: "name with blanks, ä", ino: 8 }, "x"],
    ]);
    const lines = list(input).map((line) => line.replace(/ +/g, " "));
    const time = "Nov 14 2023";
    expect(lines).toEqual([
      `drwxr-xr-x 1 12 34 0 ${time} .`,
      `drwxrwxrwt 1 12 34 0 ${time} dir`,
      `-rwsr-x--x 1 12 34 7 ${time} dir/file`,
      `lrwxrwxrwx 1 12 34 8 ${time} link -> dir/file`,
      `crw-rw-rw- 1 12 34 1, 3 ${time} null`,
      `brw------- 1 12 34 259, 300 ${time} disk`,
      `prw-r----- 1 12 34 0 ${time} pipe`,
      `-rw-r--r-- 1 12 34 1 ${time} name with blanks, ä`,
    ]);
  });
});
