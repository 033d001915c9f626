// What the tests take for left-overs: their own, and nothing of others who use the machine meanwhile.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeed } from "../lib/command.ts";
import { cgroups, namespaceOf, processStatus } from "../lib/host.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";

/** The cgroups of the machine as the process sees them that has started the tests. */
const MACHINE = `/proc/${outside()}/root/sys/fs/cgroup`;
const HIERARCHIES = ["pids", "memory", "."].filter((name) => existsSync(join(MACHINE, name, "cgroup.procs")));

/** The nearest process above this one with another cgroup namespace. */
function outside(): number {
  let pid = process.pid;
  while (namespaceOf(pid, "cgroup") === namespaceOf("self", "cgroup")) pid = processStatus(pid)?.parent ?? 1;
  return pid;
}

describe("a test's left-overs", () => {
  it("are no cgroups of others on the machine", () => {
    expect(HIERARCHIES).not.toEqual([]);
    const others = HIERARCHIES.map((name) => join(MACHINE, name, `somebody-else-${process.pid}`));
    for (const path of others) mkdirSync(path);
    try {
      expect(leftovers()).toEqual([]);
    } finally {
      for (const path of others) rmdirSync(path);
    }
  });

  it("are cgroups of its own, which a container's program may have made", () => {
    const [top = ""] = cgroups();
    const path = join(top === "" ? "/sys/fs/cgroup" : top, `left-over-${process.pid}`);
    mkdirSync(path);
    try {
      expect(leftovers()).toEqual([`cgroup ${path}`]);
    } finally {
      rmdirSync(path);
    }
  });

  it("are loop devices on its own files and on no others", () => {
    const mine = join(scratch(), "disk");
    const directory = mkdtempSync("/var/lib/urunc-somebody-else-");
    const theirs = join(directory, "disk");
    const attached: string[] = [];
    try {
      for (const file of [theirs, mine]) {
        writeFileSync(file, Buffer.alloc(1 << 20));
        attached.push(
          succeed(run(scratch(), ["losetup", "--find", "--show", file]))
            .stdout()
            .trim(),
        );
      }
      expect(leftovers()).toEqual([expect.stringMatching(/^loop device .*\/disk autoclear/)]);
      expect(leftovers()[0]).toContain(mine);
    } finally {
      for (const device of attached) spawnSync("losetup", ["--detach", device]);
      rmSync(directory, { recursive: true });
    }
  });
});
