// What a guest finds that has broken out into its monitor.
import { createHash } from "node:crypto";
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { helloBundle } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { openFiles } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
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
    // By its name: a checkout may lie in a directory that is called urunc.
    expect(basename(readlinkSync(`/proc/${pid}/exe`))).toBe("pause");
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
    succeed(run(scratch(), ["bash", "-c", 'exec 7</ 9</etc 20</usr; exec "$@"', "bash", ...words], { env }));
    const { pid } = runtime.state("leaky");
    for (const target of openFiles(pid)) expect(["/", "/etc", "/usr"]).not.toContain(target);
    succeed(runtime.verb("start", "leaky"));
    expect(readdirSync(`/proc/${pid}/fd`)).toEqual(["0", "1", "2"]);
  });

  it("of socket activation reach neither: a monitor has no use for them", () => {
    const runtime = lightRuntime();
    const words = [runtime.program, "--root", runtime.root, "create", "--bundle", lightBundle(), "activated"];
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    runtime.expectLeftover("activated");
    const script = 'export LISTEN_PID=$$ LISTEN_FDS=2; exec 3</ 4</etc; exec "$@"';
    succeed(run(scratch(), ["sh", "-c", script, "sh", ...words], { env }));
    const { pid } = runtime.state("activated");
    for (const target of openFiles(pid)) expect(["/", "/etc"]).not.toContain(target);
    succeed(runtime.verb("start", "activated"));
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

// CVE-2025-52881 (runc): what was meant for procfs went to a file that somebody had put in its place. Here the mounts are
// those of a namespace that others have made.
describe("a mount namespace with a /proc of its own making", () => {
  const FAKES: Readonly<Record<string, string>> = {
    "/proc/self/oom_score_adj": "kept",
    "/proc/sys/net/ipv4/ip_forward": "kept",
    "/proc/sys/kernel/domainname": "kept",
  };

  it("is neither written to nor believed: the score, the sysctls and the network are the real ones", async () => {
    const runtime = lightRuntime();
    const fakes = Object.entries(FAKES).map(([path, text]) => `mkdir -p ${dirname(path)} && echo ${text} > ${path}`);
    const script = ["mount -t tmpfs tmpfs /proc", ...fakes, "mkdir -p /proc/self/ns"]
      .concat("ln -s 'net:[1]' /proc/self/ns/net", "touch /proc/ready", "exec sleep 60")
      .join(" && ");
    const holder = start(scratch(), ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]);
    atEnd(async () => {
      holder.child.kill("SIGKILL");
      await holder.ended();
    });
    const inside = `/proc/${holder.child.pid}/root`;
    await until("it has its own /proc", () => existsSync(`${inside}/proc/ready`));
    const mounts = { type: "mount", path: `/proc/${holder.child.pid}/ns/mnt` };
    const namespaces = ["pid", "ipc", "uts"].map((type) => ({ type }));
    const bundle = lightBundle("fooled", {
      process: { user: { uid: 0, gid: 0 }, args: ["light"], env: [], cwd: "/", oomScoreAdj: 321 },
      linux: {
        namespaces: [...namespaces, { type: "network" }, mounts],
        sysctl: { "net.ipv4.ip_forward": "1" },
      },
    });
    const { pid } = runtime.create("fooled", bundle);
    succeed(runtime.verb("start", "fooled"));
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8")).toBe("321\n");
    const forward = ["nsenter", `--net=/proc/${pid}/ns/net`, "cat", "/proc/sys/net/ipv4/ip_forward"];
    expect(run(scratch(), forward).stdout()).toBe("1\n");
    for (const [path, text] of Object.entries(FAKES)) {
      expect(readFileSync(`${inside}${path}`, "utf8"), path).toBe(`${text}\n`);
    }
    // The host's network is known for what it is, whatever the link says: here it is joined by its path.
    const host = { type: "network", path: "/proc/self/ns/net" };
    const shared = lightBundle("shared", {
      linux: { namespaces: [...namespaces, host, mounts], sysctl: { "net.ipv4.ip_forward": "1" } },
    });
    expect(runtime.verb("create", "--bundle", shared, "shared").status).toBe(1);
    expect(runtime.lastError()).toContain("the network namespace is the host's");
  });
});
