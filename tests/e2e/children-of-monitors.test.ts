// What a monitor leaves behind where nothing ends with it: the bundle has neither a pid namespace nor a cgroup.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { start, succeed, until } from "../lib/command.ts";
import { descendants, isAlive, names } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { parseJson } from "../lib/json.ts";
import { lightBundle } from "../lib/light.ts";
import { lightConfiguration } from "../lib/light-bundle.ts";
import { HELPERS } from "../lib/paths.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const FAMILY = join(HELPERS, "family");
const ID = "family";

/** A monitor that has a child in a session of its own. */
async function family(): Promise<{ readonly runtime: Runtime; readonly pid: number; readonly child: number }> {
  // The filter of a monitor lets it have no child: with it there would be nothing to find.
  const runtime = urunc(`${lightConfiguration(FAMILY)}[runtime]\nseccomp = "bundle"\n`);
  const linux = { namespaces: ["ipc", "uts", "mount", "network"].map((type) => ({ type })) };
  const { pid } = runtime.create(ID, lightBundle(ID, { linux }));
  succeed(runtime.verb("start", ID));
  const isChild = ({ name, parent }: { readonly name: string; readonly parent: number }) =>
    name === "child" && parent === pid;
  const child = await until("there is the child", () =>
    descendants(Number(process.env.URUNC_TEST_REAPER)).find(isChild),
  );
  return { runtime, pid, child: child.pid };
}

describe("a process of a monitor that has neither pid namespace nor cgroup", () => {
  it.each(["whole", "lost"])("ends by delete --force where the state is %s", async (state) => {
    const { runtime, child } = await family();
    if (state === "lost") rmSync(join(runtime.root, ID, "state.json"));
    succeed(runtime.verb("delete", "--force", ID));
    expect(isAlive(child)).toBe(false);
    expect(names(runtime.root)).toEqual([]);
  });

  it("ends by delete where the monitor has ended before, as with runc", async () => {
    const { runtime, pid, child } = await family();
    process.kill(pid, "SIGKILL");
    await until("the monitor has ended", () => runtime.status(ID) === "stopped");
    expect(isAlive(child)).toBe(true);
    succeed(runtime.verb("delete", ID));
    expect(isAlive(child)).toBe(false);
  });

  it.each([
    ["--all", "TERM"],
    ["--all", "KILL"],
  ])("is told by ps and gets the signal of kill %s %s", async (all, signal) => {
    const { runtime, child } = await family();
    expect(parseJson(succeed(runtime.verb("ps", "--format", "json", ID)).stdout())).toContain(child);
    succeed(runtime.verb("kill", all, ID, signal));
    await until("the child has ended", () => !isAlive(child));
  });

  it("ends with its monitor by kill KILL, as with runc", async () => {
    const { runtime, pid, child } = await family();
    succeed(runtime.verb("kill", ID, "KILL"));
    await until("both have ended", () => !isAlive(pid) && !isAlive(child));
  });

  it("is told from a stranger, whatever his name", async () => {
    const { runtime, child } = await family();
    const strangers = [[FAMILY], ["unshare", "--mount", FAMILY]].map((command) => start(scratch(), command));
    for (const { child: one } of strangers) atEnd(() => void one.kill("SIGKILL"));
    const others = await until("both have a child", () => {
      const found = descendants(Number(process.env.URUNC_TEST_REAPER)).filter(
        (one) => one.name === "child" && one.pid !== child,
      );
      return found.length === 2 && found;
    });
    for (const other of others) atEnd(() => void process.kill(other.pid, "SIGKILL"));
    succeed(runtime.verb("delete", "--force", ID));
    expect(isAlive(child)).toBe(false);
    expect(others.map((one) => isAlive(one.pid))).toEqual([true, true]);
  });
});
