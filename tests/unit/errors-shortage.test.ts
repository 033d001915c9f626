import { describe, expect, test } from "vitest";
import { RuntimeFailure } from "../../src/failure.ts";
import { isShortage } from "../../src/sys/errors.ts";

function sysError(code: string): Error {
  return Object.assign(new Error(`open: ${code}`), { name: "SysError", code });
}

describe("a shortage", () => {
  test("is known by its code, also in an error that was made of it", () => {
    expect(isShortage(sysError("EMFILE"))).toBe(true);
    const told = new RuntimeFailure("network", "Open /dev/net/tun", { cause: sysError("ENOMEM") });
    expect(isShortage(told)).toBe(true);
    expect(isShortage(new RuntimeFailure("root", "Undo", { cause: told }))).toBe(true);
  });

  test("is no other failure", () => {
    expect(isShortage(sysError("ENOENT"))).toBe(false);
    expect(isShortage(new RuntimeFailure("network", "Open", { cause: sysError("EACCES") }))).toBe(false);
    expect(isShortage(new Error("EMFILE"))).toBe(false);
    expect(isShortage(undefined)).toBe(false);
  });
});
