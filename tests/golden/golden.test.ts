/**
 * Every folder beside this file is a bundle with what it leads to: config.json, maybe urunc.json and urunc.toml, maybe
 * facts.json (laid over the common facts.json), maybe network.json (what
 * `start` reads of the network), and the outcome. UPDATE_GOLDEN=1 rewrites the outcomes.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { renderPlan, renderProblems } from "../../src/plan/render.ts";
import { decodeFacts, decodeNetworks, type Outcome, planOf } from "../lib/plan-bundle.ts";

const ROOM = import.meta.dirname;
const OUTCOMES = ["plan.json", "problems.json", "text.txt"];
const CASES = readdirSync(ROOM, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort();

function read(name: string, file: string): string | undefined {
  const path = join(ROOM, name, file);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

function outcomeOf(name: string): Outcome {
  const common: unknown = JSON.parse(readFileSync(join(ROOM, "facts.json"), "utf8"));
  const own: unknown = JSON.parse(read(name, "facts.json") ?? "{}");
  return planOf({
    config: JSON.parse(read(name, "config.json") ?? "null"),
    uruncJson: read(name, "urunc.json"),
    toml: read(name, "urunc.toml"),
    facts: decodeFacts(common, own),
    bundle: "/run/bundle",
    networks: decodeNetworks(JSON.parse(read(name, "network.json") ?? "[]")),
  });
}

function filesOf(name: string, outcome: Outcome): ReadonlyMap<string, string> {
  const json = `${JSON.stringify(outcome, undefined, 2)}\n`;
  const files = new Map([["problems" in outcome ? "problems.json" : "plan.json", json]]);
  if (!read(name, "text.txt")) return files;
  if ("problems" in outcome) files.set("text.txt", renderProblems(outcome.problems));
  else if ("plan" in outcome) files.set("text.txt", renderPlan(outcome.plan, outcome.warnings));
  return files;
}

describe("the outcome of each bundle is the recorded one", () => {
  test("there are at least 24 bundles", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(24);
  });

  test.each(CASES)("%s", (name) => {
    const files = filesOf(name, outcomeOf(name));
    if (process.env["UPDATE_GOLDEN"] === "1") {
      for (const file of OUTCOMES) rmSync(join(ROOM, name, file), { force: true });
      for (const [file, text] of files) writeFileSync(join(ROOM, name, file), text);
    }
    for (const file of OUTCOMES) expect(read(name, file), `${name}/${file}`).toBe(files.get(file));
  });
});
