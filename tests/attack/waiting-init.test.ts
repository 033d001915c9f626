// CVE-2016-9962 (runc): a process of a joined pid namespace looked into the init, which still held the host's files.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { start, succeed, until } from "../lib/command.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";

describe("the init", () => {
  it("cannot be looked into from its first system call on, before it waits for anything", async () => {
    const runtime = lightRuntime();
    const namespaces = ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type }));
    const bundle = lightBundle("with-cgroup", { linux: { namespaces, resources: { pids: { limit: 100 } } } });
    const log = join(scratch(), "trace.txt");
    const create = ["--root", runtime.root, "create", "--bundle", bundle, "c1"];
    const tracer = start(scratch(), ["strace", "-f", "-qq", "-o", log, runtime.program, ...create], {
      env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") },
    });
    await until("the container to be there", () => runtime.verb("state", "c1").status === 0);
    await until("the container to be created", () => runtime.state("c1").status === "created");
    const { pid } = runtime.state("c1");
    succeed(runtime.verb("delete", "--force", "c1"));
    await tracer.ended();
    const own = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.startsWith(`${pid} `))
      .map((line) => line.slice(String(pid).length).trim());
    const closed = own.findIndex((line) => line.startsWith("prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE"));
    expect(closed).toBeGreaterThanOrEqual(0);
    // What it inherited and does not need may be closed before.
    expect(
      own.slice(0, closed).filter((line) => !/^(<\.\.\. )?(close|gettid|set_robust_list|rt_sig\w+)\b/.test(line)),
    ).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});
