// What a guest finds that has broken out into its monitor.
import { createHash } from "node:crypto";
import { openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { openFiles } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { urunc } from "../lib/runtime.ts";

// CVE-2019-5736 (runc): the runtime's own file was opened for writing through /proc/PID/exe of the init.
describe("the runtime's own executable", () => {
  const hash = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

  it("cannot be written through the waiting init, nor be reached by a neighbour in its pid namespace", () => {
    const runtime = lightRuntime();
    const before = hash(runtime.program);
    const { pid } = runtime.create("waiting", lightBundle());
    expect(() => openSync(`/proc/${pid}/exe`, "r+")).toThrow(/ETXTBSY|EACCES|EPERM/);
    // A process of the same pid namespace with root's usual capabilities in a container, which ptrace is none of.
    const neighbour = ["nsenter", "-t", String(pid), "-p", "setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-all"];
    for (const link of ["exe", "cwd", "root", "fd/0"]) {
      const path = `/proc/${pid}/${link}`;
      expect(run(scratch(), ["readlink", path]).status, link).toBe(0);
      expect(run(scratch(), [...neighbour, "readlink", path]).status, link).not.toBe(0);
    }
    succeed(runtime.verb("start", "waiting"));
    expect(readlinkSync(`/proc/${pid}/exe`)).not.toContain("urunc");
    expect(hash(runtime.program)).toBe(before);
  });
});

// CVE-2024-21626 (runc), "Leaky Vessels": a descriptor of the host, left open, leads out of the root.
describe("descriptors of the host", () => {
  it("reach neither the init nor the monitor, whatever the caller has left open", () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    const words = [runtime.program, "--root", runtime.root, "create", "--bundle", bundle, "leaky"];
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    runtime.expectLeftover("leaky");
    succeed(run(scratch(), ["bash", "-c", 'exec 7</ 9</etc 20</proc; exec "$@"', "bash", ...words], { env }));
    const { pid } = runtime.state("leaky");
    for (const target of openFiles(pid)) expect(["/", "/etc", "/proc"]).not.toContain(target);
    succeed(runtime.verb("start", "leaky"));
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(["0", "1", "2"]);
  });

  it("are not reached by the working directory: the monitor's is its own root", () => {
    const runtime = lightRuntime();
    const process = (cwd: string) => ({ user: { uid: 0, gid: 0 }, args: ["light"], env: [], cwd });
    for (const cwd of ["/proc/self/fd/7", "/proc/self/fd/7/../..", "//proc/self/cwd"]) {
      const refused = runtime.verb("create", "--bundle", lightBundle("refused", { process: process(cwd) }), "refused");
      expect(refused.status, cwd).toBe(1);
    }
    const { pid } = runtime.create("cwd", lightBundle("cwd", { process: process("/srv") }));
    succeed(runtime.verb("start", "cwd"));
    const inside = (link: string) => run(scratch(), ["stat", "-L", "-c", "%d:%i", `/proc/${pid}/${link}`]).stdout();
    expect(inside("cwd")).toBe(inside("root"));
    expect(inside("root")).not.toBe(run(scratch(), ["stat", "-L", "-c", "%d:%i", "/"]).stdout());
  });
});

describe("a monitor", () => {
  // CVE-2022-29162 (runc), CVE-2022-27650 (crun): inheritable capabilities came back at execve.
  it("has no capability in any set, whoever its user is and whatever the spec asks for", () => {
    const runtime = lightRuntime();
    const all = ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE"];
    for (const uid of [0, 1000]) {
      const sets = ["bounding", "effective", "permitted", "inheritable", "ambient"];
      const capabilities = Object.fromEntries(sets.map((set) => [set, all]));
      const process = { user: { uid, gid: uid }, args: ["light"], env: [], cwd: "/", capabilities };
      const { pid } = runtime.create(`caps${uid}`, lightBundle(`caps${uid}`, { process }));
      succeed(runtime.verb("start", `caps${uid}`));
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      for (const set of ["Inh", "Prm", "Eff", "Amb"]) expect(status).toMatch(new RegExp(`^Cap${set}:\t0+$`, "m"));
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    }
  });

  // CVE-2023-25809 (runc): a writable /sys/fs/cgroup; CVE-2025-52881 (runc): a /proc to write to.
  it("sees no cgroup file system, no /sys and nothing writable but its temporary directory", () => {
    const runtime = lightRuntime();
    const { pid } = runtime.create("mounts", lightBundle());
    succeed(runtime.verb("start", "mounts"));
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trimEnd().split("\n");
    const parsed = mounts.map((line) => ({ target: line.split(" ")[4], type: / - (\S+)/.exec(line)?.[1], line }));
    expect(parsed.map(({ type }) => type)).not.toContain("cgroup");
    expect(parsed.map(({ type }) => type)).not.toContain("cgroup2");
    expect(parsed.map(({ type }) => type)).not.toContain("sysfs");
    const writable = parsed.filter(({ line }) => line.split(" ")[5]?.startsWith("rw"));
    expect(writable.map(({ target }) => target)).toEqual(["/tmp"]);
  });
});

// CVE-2025-52565 (runc): /dev/console was bound from a name that had been replaced.
describe("a container's terminal", () => {
  it("is a descriptor of devpts, never a name in the image", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ terminal: true, args: ["hello", "--stay"] });
    const target = join(scratch(), "console");
    writeFileSync(target, "kept\n");
    run(scratch(), ["ln", "-s", target, join(bundle, "rootfs", "dev", "console")]);
    const running = runtime.begin("run", "--bundle", bundle, "tty");
    await until("it runs", () => runtime.verb("state", "tty").status === 0 && runtime.status("tty") === "running");
    const { pid } = runtime.state("tty");
    for (const fd of [0, 1, 2]) expect(readlinkSync(`/proc/${pid}/fd/${fd}`)).toMatch(/^\/dev\/pts\/\d+$/);
    expect(readFileSync(target, "utf8")).toBe("kept\n");
    succeed(runtime.verb("kill", "tty", "KILL"));
    await running.ended();
  });
});
