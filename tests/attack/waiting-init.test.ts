// CVE-2016-9962 (runc): a process of a joined pid namespace looked into the init, which still held the host's files.
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { start, succeed, until } from "../lib/command.ts";
import { namespaceOf } from "../lib/host.ts";
import { atEnd, leftovers, scratch } from "../lib/hygiene.ts";
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
    succeed(runtime.verb("delete", "--force", "c1"));
    await tracer.ended();
    const lines = readFileSync(log, "utf8").split("\n");
    const closed = lines.findIndex((line) => line.includes(" prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE"));
    // Those before ask the monitor for its version.
    const cloned = lines.findLastIndex((line) => line.includes(" clone3("));
    expect(closed).toBeGreaterThanOrEqual(0);
    expect(closed).toBeLessThan(cloned);
    expect(lines.slice(closed + 1).filter((line) => line.includes("PR_SET_DUMPABLE"))).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it("is in no pid namespace of other containers, where one with CAP_SYS_PTRACE could use its rights", async () => {
    const runtime = lightRuntime();
    const other = start(scratch(), ["unshare", "--pid", "--fork", "--kill-child", "sleep", "60"]);
    atEnd(() => void other.child.kill("SIGKILL"));
    const children = `/proc/${other.child.pid}/task/${other.child.pid}/children`;
    await until("the other container runs", () => readFileSync(children, "utf8") !== "");
    const path = `/proc/${readFileSync(children, "utf8").trim()}/ns/pid`;
    const namespaces = ["ipc", "uts", "mount", "network"].map((type) => ({ type }));
    const bundle = lightBundle("shared", { linux: { namespaces: [...namespaces, { type: "pid", path }] } });
    const { pid } = runtime.create("c2", bundle);
    expect([readlinkSync(path), namespaceOf("self", "pid")]).not.toContain(namespaceOf(pid, "pid"));
    expect(readFileSync(runtime.log, "utf8")).toContain("is not joined: the monitor has one of its own");
    succeed(runtime.verb("start", "c2"));
  });
});
