import { describe, expect, test } from "vitest";
import { failureOf } from "../../src/failure.ts";
import { append, few, largest, shortened } from "../../src/few.ts";

describe("what is told", () => {
  test("is all of it as long as it is little", () => {
    expect(few(["a", "b"], "warnings")).toEqual(["a", "b"]);
    expect(shortened("a")).toBe("a");
  });

  test("is the first of many, and how many more there are", () => {
    const told = few(
      Array.from({ length: 1000 }, (_, index) => `${index}`),
      "warnings",
    );
    expect(told).toHaveLength(41);
    expect(told[39]).toBe("39");
    expect(told[40]).toBe("960 more warnings are left out");
  });

  test("is the beginning of a long text, and how much more there is", () => {
    expect(shortened("x".repeat(5001))).toBe(`${"x".repeat(5000)}... (1 more characters)`);
  });

  test("in a failure out of many problems is bounded", () => {
    const problems = Array.from({ length: 100_000 }, (_, index) => ({ code: `c${index}`, message: "x".repeat(100) }));
    const failure = failureOf("Step", problems);
    expect(failure.code).toBe("c0");
    expect(failure.message).toMatch(/^Step: x.*; 99960 more problems are left out$/);
    expect(failure.message.length).toBeLessThan(5000);
  });
});

describe("lists of any length", () => {
  const long = Array.from({ length: 200_000 }, (_, index) => index);

  test("are put behind others", () => {
    const list = [-1];
    append(list, long);
    expect(list).toHaveLength(200_001);
    expect(list.at(-1)).toBe(199_999);
  });

  test("have a largest number", () => {
    expect(largest(long, 7)).toBe(199_999);
    expect(largest([], 7)).toBe(7);
  });
});
