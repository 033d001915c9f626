// Many lifecycles one after the other leave the machine as it was.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeed } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";
import { EXHAUSTIVE } from "../lib/inject.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";

const LIFECYCLES = EXHAUSTIVE ? 500 : 100;

/** What a leak of the kernel's things would add to. */
function machine(): Readonly<Record<string, number>> {
  const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").length;
  return {
    mounts: lines("/proc/self/mountinfo"),
    links: names("/sys/class/net").length,
    "network namespaces with a name": names("/run/netns").length,
    "loop devices in use": names("/sys/block").filter((name) => names(join("/sys/block", name, "loop")).length > 0)
      .length,
  };
}

describe("one lifecycle after the other", () => {
  it(`${LIFECYCLES} leave the machine and the caller's descriptors as they were`, { timeout: 600_000 }, () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    // One process calls all verbs, as a container engine does, and counts its own descriptors.
    const verb = `"${runtime.program}" --root "${runtime.root}" --log /dev/null`;
    const script = [
      "ls /proc/self/fd | wc -l",
      `i=0; while [ $i -lt ${LIFECYCLES} ]; do`,
      `  ${verb} create --bundle "${bundle}" c$i && ${verb} start c$i && ${verb} state c$i > /dev/null &&`,
      `  ${verb} kill c$i KILL && ${verb} delete --force c$i || exit 1`,
      "  i=$((i+1))",
      "done",
      "ls /proc/self/fd | wc -l",
    ].join("\n");
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    const before = machine();
    const outcome = succeed(run(scratch(), ["sh", "-c", script], { env, timeoutMs: 500_000 }));
    const [first, last] = outcome.stdout().trim().split(/\s+/);
    expect(last).toBe(first);
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers().filter((line) => !line.startsWith("cgroup"))).toEqual([]);
    expect(machine()).toEqual(before);
  });
});
