// The table of docs/requirements.md, the calls that the engine makes, and what messages say of them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { SINCE } from "../../src/sys/denied.ts";
import { messageOf } from "../../src/sys/errors.ts";
import { quoted, reportedCalls, tableOf } from "../lib/engine-bindings.ts";

const rows = tableOf(readFileSync("docs/requirements.md", "utf8")).flatMap(([calls = "", since = "", without = ""]) =>
  quoted(calls).map((call) => ({ call, since, without })),
);

function sysError(syscall: string, code: string, isFiltered: boolean): Error {
  return Object.assign(new Error(`${syscall}: text (${code})`), { name: "SysError", syscall, code, isFiltered });
}

describe("docs/requirements.md", () => {
  it("has each system call of the engine once: a new one gets a row", () => {
    expect(rows.map(({ call }) => call).sort()).toEqual([...reportedCalls()].sort());
  });

  it("and the error messages name the same versions", () => {
    const documented = rows.filter(({ since }) => since !== "3.10 or before").map(({ call, since }) => [call, since]);
    expect(Object.fromEntries(documented)).toEqual(SINCE);
  });

  it("says what happens without each", () => {
    for (const { call, without } of rows) expect(without, call).not.toBe("");
  });
});

describe("the message of a call that is denied", () => {
  it("names the call, the kernel's version and the filter where there is one", () => {
    expect(messageOf(sysError("openat2", "ENOSYS", true))).toBe(
      "openat2: text (ENOSYS): a system call filter around urunc denies openat2, or this kernel is older than Linux 5.6: see docs/requirements.md",
    );
    expect(messageOf(sysError("openat2", "EPERM", true))).toBe(
      "openat2: text (EPERM): the right is missing, or a system call filter around urunc denies openat2: see docs/requirements.md",
    );
  });

  it("names no filter where there is none", () => {
    expect(messageOf(sysError("openat2", "ENOSYS", false))).toBe(
      "openat2: text (ENOSYS): this kernel is older than Linux 5.6, which openat2 came with: see docs/requirements.md",
    );
    expect(messageOf(sysError("openat2", "EPERM", false))).toBe("openat2: text (EPERM)");
  });

  it("is left as it is for other errors, and for rights that have to do with no filter", () => {
    expect(messageOf(sysError("openat2", "ENOENT", true))).toBe("openat2: text (ENOENT)");
    expect(messageOf(sysError("kill", "EPERM", true))).toBe("kill: text (EPERM)");
  });
});
