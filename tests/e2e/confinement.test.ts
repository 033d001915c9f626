// What surrounds a monitor: its libraries, kernel parameters of its namespaces, labels, and an image that stays as it is.
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { mounts, names } from "../lib/host.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";
import { urunc } from "../lib/runtime.ts";

/** Every file below a directory with what a writer would change. */
function tree(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { mode, size, uid, gid, mtimeMs, ctimeMs } = statSync(join(directory, name));
      return `${name} ${mode} ${size} ${uid}:${gid} ${mtimeMs} ${ctimeMs}`;
    });
}

describe("the monitor's surroundings", () => {
  it("have the libraries of its architecture, not all that programs keep with them, and leave the image alone", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    const before = { image: tree(join(bundle, "rootfs")), mounts: mounts() };
    const { pid, outcome } = runtime.create("libraries", bundle);
    succeed(runtime.verb("start", "libraries"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    const inside = names(`/proc/${pid}/root/usr/lib`);
    // Other distributions have nothing but libraries there.
    if (existsSync(`/usr/lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`)) {
      expect(inside).toEqual([`${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`]);
    }
    expect(mounts()).toEqual(before.mounts);
    succeed(runtime.verb("delete", "--force", "libraries"));
    expect(tree(join(bundle, "rootfs"))).toEqual(before.image);
    expect(mounts()).toEqual(before.mounts);
  });

  it("have the kernel parameters of the bundle in their own namespaces only", () => {
    const runtime = urunc();
    const sysctl = { "net.ipv4.ip_unprivileged_port_start": "7", "kernel.shm_rmid_forced": "1" };
    const host = readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8");
    const { pid } = runtime.create("sysctl", helloBundle({ sysctl }));
    const read = (name: string) =>
      run(scratch(), ["nsenter", "-t", `${pid}`, "--net", "--ipc", "cat", `/proc/sys/${name}`]).stdout();
    expect(read("net/ipv4/ip_unprivileged_port_start")).toBe("7\n");
    expect(read("kernel/shm_rmid_forced")).toBe("1\n");
    expect(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8")).toBe(host);
  });

  it.each([
    ["of the host", { sysctl: { "vm.swappiness": "1" } }, "vm.swappiness"],
    ["of nobody", { sysctl: { "net.ipv4.no_such_thing": "1" } }, "no_such_thing"],
    ["outside of them", { sysctl: { "net/../vm/swappiness": "1" } }, "net/../vm/swappiness"],
    [
      "of a namespace the host shares",
      { sysctl: { "net.ipv4.ip_forward": "1" }, namespaces: NAMESPACES.filter(({ type }) => type !== "network") },
      "without a network namespace",
    ],
  ] as const)("refuse a kernel parameter %s, and make nothing", (_, options, message) => {
    const runtime = urunc();
    expect(runtime.verb("create", "--bundle", helloBundle(options), "refused").status).toBe(1);
    expect(runtime.lastError()).toContain(message);
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it.each([
    ["of the host", {}],
    [
      "of a user namespace",
      {
        namespaces: [...NAMESPACES, { type: "time" }, { type: "user" }],
        mappings: [{ containerID: 0, hostID: 0, size: 1 }],
      },
    ],
  ] as const)("have the clocks, the personality and the priorities of the bundle, by root %s", async (_, options) => {
    const runtime = urunc();
    const bundle = helloBundle({
      args: ["hello", "--stay"],
      namespaces: [...NAMESPACES, { type: "time" }],
      process: {
        scheduler: { policy: "SCHED_BATCH", nice: 5 },
        ioPriority: { class: "IOPRIO_CLASS_BE", priority: 6 },
      },
      linux: {
        personality: { domain: "LINUX32" },
        timeOffsets: { monotonic: { secs: 1000 }, boottime: { secs: 86400, nanosecs: 5 } },
      },
      ...options,
    });
    const { pid, outcome } = runtime.create("clocks", bundle);
    succeed(runtime.verb("start", "clocks"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    const read = (name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
    // proc(5): nice value and policy are the fields 19 and 41.
    const fields = read("stat")
      .replace(/^.*\) /, "")
      .split(" ");
    expect([fields[16], fields[38]]).toEqual(["5", "3"]);
    expect(run(scratch(), ["ionice", "-p", `${pid}`]).stdout()).toBe("best-effort: prio 6\n");
    expect(read("personality")).toBe("00000008\n");
    expect(read("timens_offsets")).toMatch(/^monotonic\s+1000\s+0\nboottime\s+86400\s+5\n$/);
    expect(readlinkSync(`/proc/${pid}/ns/time`)).not.toBe(readlinkSync("/proc/self/ns/time"));
    expect(readlinkSync(`/proc/${pid}/ns/time`)).toBe(readlinkSync(`/proc/${pid}/ns/time_for_children`));
    succeed(runtime.verb("delete", "--force", "clocks"));
  });

  it("refuse clocks before their beginning, and make nothing", () => {
    const runtime = urunc();
    const bundle = helloBundle({
      namespaces: [...NAMESPACES, { type: "time" }],
      linux: { timeOffsets: { boottime: { secs: -(2 ** 40) } } },
    });
    expect(runtime.verb("create", "--bundle", bundle, "refused").status).toBe(1);
    expect(runtime.lastError()).toContain("linux.timeOffsets: ");
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  const hasAppArmor = existsSync("/sys/module/apparmor/parameters/enabled");
  it.skipIf(hasAppArmor)("refuse an AppArmor profile where there is no AppArmor", () => {
    const runtime = urunc();
    const bundle = helloBundle({ apparmorProfile: "docker-default" });
    expect(runtime.verb("create", "--bundle", bundle, "refused").status).toBe(1);
    expect(runtime.lastError()).toContain("AppArmor is not enabled on this host");
    expect(names(runtime.root)).toEqual([]);
  });
});
