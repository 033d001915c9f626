// The points of a container's way to its monitor, noted in a file.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeed } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { number, parseJson, text } from "../lib/json.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";

const FILE = () => join(scratch(), "logs", "timestamps.log");

function stamps(): readonly unknown[] {
  return readFileSync(FILE(), "utf8").trimEnd().split("\n").map(parseJson);
}

describe("timestamps", () => {
  it("are the nineteen points, each once, in order within each process", () => {
    const runtime = lightRuntime(`[timestamps]\nenabled = true\ndestination = "${FILE()}"\n`);
    runtime.create("c1", lightBundle());
    succeed(runtime.verb("start", "c1"));
    const lines = stamps();
    expect(lines.map((line) => text(line, "timestampID")).sort()).toEqual(
      Array.from({ length: 19 }, (_, index) => `TS${String(index).padStart(2, "0")}`),
    );
    for (const line of lines) {
      expect(text(line, "containerID")).toBe("c1");
      expect(text(line, "timestampID")).toBe(`TS${String(number(line, "timestampOrder")).padStart(2, "0")}`);
      expect(Math.abs(number(line, "time") / 1e6 - Date.now())).toBeLessThan(60_000);
    }
    for (const process of ["CR", "RX", "ST"]) {
      const own = lines.filter((line) => text(line, "timestampName").startsWith(`${process}.`));
      const orders = own.map((line) => number(line, "timestampOrder"));
      const times = own.map((line) => number(line, "time"));
      expect(orders).toEqual([...orders].sort((one, other) => one - other));
      expect(times).toEqual([...times].sort((one, other) => one - other));
    }
  });

  it("are written one line a call", () => {
    const runtime = lightRuntime(`[timestamps]\nenabled = true\ndestination = "${FILE()}"\n`);
    const trace = join(scratch(), "trace");
    const words = [runtime.program, "--root", runtime.root, "create", "--bundle", lightBundle(), "c1"];
    runtime.expectLeftover("c1");
    const strace = ["strace", "-o", trace, "-s", "300", "-e", "trace=write", ...words];
    succeed(run(scratch(), strace, { env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") } }));
    const writes = readFileSync(trace, "utf8")
      .split("\n")
      .filter((line) => line.includes("timestampID"));
    expect(writes.length).toBe(8);
    for (const line of writes) expect(line).toMatch(/^write\(\d+, "\{.*\}\\n", \d+\) +=/);
  });

  it("are off unless they are asked for, and on for one container by the environment", () => {
    const runtime = lightRuntime(`[timestamps]\ndestination = "${FILE()}"\n`);
    const bundle = lightBundle();
    runtime.create("quiet", bundle);
    succeed(runtime.verb("start", "quiet"));
    expect(existsSync(FILE())).toBe(false);
    succeed(runtime.verbWith({ env: { URUNC_TIMESTAMPS: "1" } }, "create", "--bundle", bundle, "loud"));
    runtime.expectLeftover("loud");
    succeed(runtime.verb("start", "loud"));
    expect(stamps().length).toBe(19);
  });

  it("follow no link, and a container is made without them", () => {
    const runtime = lightRuntime(`[timestamps]\nenabled = true\ndestination = "${FILE()}"\n`);
    mkdirSync(join(scratch(), "logs"));
    const other = join(scratch(), "other");
    writeFileSync(other, "kept\n");
    symlinkSync(other, FILE());
    runtime.create("linked", lightBundle());
    expect(readFileSync(other, "utf8")).toBe("kept\n");
    expect(readFileSync(runtime.log, "utf8")).toContain("nothing is stamped");
  });
});
