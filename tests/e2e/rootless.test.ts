// urunc as an ordinary user of the host: in a user namespace of the bundle.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, type BundleOptions, helloBundle, KERNEL, NAMESPACES, putFile } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { names, namespaceOf } from "../lib/host.ts";
import { atEnd, reaped, scratch } from "../lib/hygiene.ts";
import { parseJson } from "../lib/json.ts";
import { solo5File } from "../lib/kernels.ts";
import { HELPERS } from "../lib/paths.ts";
import { readState, uruncAs } from "../lib/runtime.ts";

/** `daemon`, who is on every Debian and owns nothing; newuidmap(1) wants a name. */
const UID = 1;
const GID = 1;
const SUBORDINATE = 300_000;

const WITH_USER = [...NAMESPACES, { type: "user" }];
const OWN_ID = [{ containerID: 0, hostID: UID, size: 1 }];

/** No reason when users may make user namespaces here. */
function missing(): string | undefined {
  const user = ["--reuid", `${UID}`, "--regid", `${GID}`, "--clear-groups"];
  const made = spawnSync("setpriv", [...user, "unshare", "--user", "--net", "true"]);
  return made.status === 0 ? undefined : "users may not make user namespaces here";
}

const reason = missing();

/** A file of the host as it is to be for this test; others see nothing of it, since the tests have mounts of their own. */
function replaceHostFile(path: string, content: string): void {
  const file = join(scratch(), path.replaceAll("/", "-"));
  writeFileSync(file, content);
  succeed(run(scratch(), ["mount", "--bind", file, path]));
  atEnd(() => void succeed(run(scratch(), ["umount", path])));
}

describe(`an ordinary user${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  const test = (name: string, action: () => Promise<void>) => it.skipIf(reason !== undefined)(name, action);
  const bundleWith = (options: BundleOptions = {}): string =>
    helloBundle({ args: ["hello", "--stay"], namespaces: WITH_USER, mappings: OWN_ID, ...options });

  test("runs a unikernel through its whole life with no more than the own id", async () => {
    const runtime = uruncAs(UID, GID);
    const { pid, outcome } = runtime.create("own", bundleWith({ oomScoreAdj: -900 }));
    expect(runtime.status("own")).toBe("created");
    succeed(runtime.verb("start", "own"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t1\t1\t1\t1$/m);
    expect(status).toMatch(/^CapBnd:\t0{16}$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(namespaceOf(pid, "user")).not.toBe(namespaceOf("self", "user"));
    expect(runtime.status("own")).toBe("running");
    succeed(runtime.verb("kill", "own", "KILL"));
    await until("the container is reaped", () => reaped(pid));
    succeed(runtime.verb("delete", "own"));
    expect(names(runtime.root)).toEqual([]);
  });

  /** A /proc of its own with this option for the runtime. */
  const withProc = (option: string) => {
    const script = `mount -t proc -o ${option} proc /proc && exec "$@"`;
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
  };

  const HIDDEN = ["hidepid=1", "hidepid=2", "hidepid=4", "subset=pid", "hidepid=2,subset=pid"];
  /** Before Linux 6.9 there is no more to know than this. */
  const WITHOUT_PIDFDS = [join(HELPERS, "denied"), "38", "pidfd_open"];
  const WORLDS = [
    ...HIDDEN.map((option) => ({ world: option, before: withProc(option) })),
    { world: "hidepid=2, and no pidfds,", before: [...withProc("hidepid=2"), ...WITHOUT_PIDFDS] },
  ];
  it.skipIf(reason !== undefined).each(WORLDS)("has the same life with $world for /proc", async ({ before }) => {
    const runtime = uruncAs(UID, GID, before);
    const created = runtime.create("hidden", bundleWith());
    expect(runtime.status("hidden")).toBe("created");
    expect(succeed(runtime.verb("list")).stdout()).toContain("created");
    succeed(runtime.verb("start", "hidden"));
    await until("the guest ticks", () => created.outcome.stdout().includes("tick 1"));
    expect(runtime.status("hidden")).toBe("running");
    succeed(runtime.verb("kill", "hidden", "TERM"));
    await until("the container is reaped", () => reaped(created.pid));
    expect(runtime.status("hidden")).toBe("stopped");
    expect(runtime.verb("kill", "hidden", "TERM").stderr()).toContain("container not running");
    succeed(runtime.verb("delete", "hidden"));
    // Killed and removed while it waits, in three ways.
    for (const [verb, ...args] of [
      ["kill", "hidden", "TERM"],
      ["delete", "hidden"],
      ["delete", "--force", "hidden"],
    ]) {
      const { pid } = runtime.create("hidden", bundleWith());
      succeed(runtime.verb(verb ?? "", ...args));
      await until(`${verb} has ended it`, () => reaped(pid));
      succeed(runtime.verb("delete", "--force", "hidden"));
    }
    expect(names(runtime.root)).toEqual([]);
  });

  test("keeps the state below XDG_RUNTIME_DIR", async () => {
    const runtime = uruncAs(UID, GID);
    const bundle = bundleWith({ args: ["hello"] });
    const environment = ["env", `XDG_RUNTIME_DIR=${scratch()}`, `URUNC_CONFIG_FILE=${join(scratch(), "config.toml")}`];
    const user = ["setpriv", "--reuid", `${UID}`, "--regid", `${GID}`, "--clear-groups", ...environment];
    const ran = run(scratch(), [...user, runtime.program, "run", "--bundle", bundle, "default"]);
    expect(succeed(ran).stdout()).toContain("hello from a unikernel");
    expect(names(join(scratch(), "urunc"))).toEqual([]);
    expect(existsSync(join(scratch(), "urunc"))).toBe(true);
  });

  test("maps more ids by newuidmap and newgidmap, as far as they are the user's", async () => {
    replaceHostFile("/etc/subuid", `daemon:${SUBORDINATE}:65536\n`);
    replaceHostFile("/etc/subgid", `daemon:${SUBORDINATE}:65536\n`);
    const runtime = uruncAs(UID, GID);
    const mappings = [...OWN_ID, { containerID: 1, hostID: SUBORDINATE, size: 65536 }];
    const user = { uid: 1001, gid: 1002, additionalGids: [1003] };
    const { pid, outcome } = runtime.create("more", bundleWith({ mappings, user }));
    succeed(runtime.verb("start", "more"));
    await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\t301000\t301000\t301000\t301000$/m);
    expect(status).toMatch(/^Gid:\t301001\t/m);
    expect(status).toMatch(/^Groups:\t301002 ?$/m);

    const others = [...OWN_ID, { containerID: 1, hostID: 1000, size: 1 }];
    const bundle = bundleWith({ name: "others", mappings: others });
    expect(runtime.verb("create", "--bundle", bundle, "others").status).toBe(1);
    expect(runtime.lastError()).toContain("newuidmap");
    expect(runtime.lastError()).toContain("/etc/subuid");
    expect(names(runtime.root)).toEqual(["more"]);
  });

  test("stays in the own cgroup as root of a user namespace, as Podman's user is, and says so", async () => {
    const runtime = uruncAs(UID, GID);
    const resources = { memory: { limit: 64 << 20 }, pids: { limit: 50 } };
    const bundle = bundleWith({ namespaces: NAMESPACES, mappings: [], resources, cgroupsPath: "/urunc-not-mine" });
    const user = ["setpriv", "--reuid", `${UID}`, "--regid", `${GID}`, "--clear-groups"];
    const inside = [...user, "unshare", "--user", "--map-root-user", "--mount"];
    const globals = ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
    const command = [...inside, runtime.program, ...globals, "run", "--bundle", bundle, "podman"];
    const running = start(scratch(), command, { env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") } });
    atEnd(() => void running.child.kill("SIGKILL"));
    await until("the guest ticks", () => running.stdout().includes("tick 1"));
    const { pid } = readState(parseJson(readFileSync(join(runtime.root, "podman", "state.json"), "utf8")));
    expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toBe(readFileSync("/proc/self/cgroup", "utf8"));
    expect(readFileSync(runtime.log, "utf8")).toContain("the container stays in the caller's cgroup");
    process.kill(pid, "SIGKILL");
    expect(await running.ended()).toBe(137);
    expect(names(runtime.root)).toEqual([]);
  });

  test("is told what is missing when the bundle has no user namespace", async () => {
    const runtime = uruncAs(UID, GID);
    const bundle = bundleWith({ namespaces: NAMESPACES, mappings: [] });
    expect(runtime.verb("create", "--bundle", bundle, "none").status).toBe(1);
    expect(runtime.lastError()).toContain("rootless containers require user namespaces");
    expect(names(runtime.root)).toEqual([]);
  });

  const guests = process.env.URUNC_TEST_SOLO5_GUESTS ?? "";
  const hasSpt =
    spawnSync("sh", ["-c", "command -v solo5-spt"]).status === 0 && existsSync(join(guests, "test_hello.spt"));
  it.skipIf(reason !== undefined || !hasSpt)("runs a Solo5 guest in spt, which needs no device", async () => {
    const runtime = uruncAs(UID, GID);
    const bundle = bundleWith({
      args: ["Hello_Solo5"],
      annotations: { [annotation("hypervisor")]: "spt", [annotation("unikernelType")]: "mirage" },
    });
    putFile(bundle, KERNEL, solo5File("spt"));
    copyFileSync(join(guests, "test_hello.spt"), join(bundle, "rootfs", KERNEL));
    const running = runtime.begin("run", "--bundle", bundle, "spt");
    expect(await running.ended()).toBe(0);
    expect(running.stdout()).toContain("SUCCESS");
  });
});
