// What a container costs while it waits for `start`.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { until } from "../lib/command.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";

/** kB of memory that no other process shares. */
function own(pid: number): number {
  const [, kilobytes] = /^Anonymous:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")) ?? [];
  return Number(kilobytes);
}

it("a created container has less than 0.5 MiB of memory of its own", async () => {
  const { pid } = lightRuntime().create("waits", lightBundle());
  // The pages that it shares with `create` are its own when that has ended.
  await until("the process waits", () => /^State:\tS/m.test(readFileSync(`/proc/${pid}/status`, "utf8")));
  expect(own(pid)).toBeLessThan(512);
  expect(own(pid)).toBeGreaterThan(0);
});
