// What a guest does not get is heard of although the engine throws the log away: in the state, in the list, by syslog, or
// with `strict` as an error.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, busyboxBundle, helloBundle } from "../lib/bundle.ts";
import { start, succeed, until } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { list, member, parseJson, text } from "../lib/json.ts";
import { lightBundle, lightRuntime, PAUSE } from "../lib/light.ts";
import { lightConfiguration, writeLightBundle } from "../lib/light-bundle.ts";
import { debianKernel } from "../lib/linux-kernel.ts";
import { HELPERS } from "../lib/paths.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const KEY = "com.urunc.warnings";
const STRICT = "[runtime]\nstrict = true\n";
const TMPFS = { destination: "/data", type: "tmpfs", source: "tmpfs", options: [] };
const LOST = "mirage does not get the mounts /data (tmpfs)";

function warningsOf(runtime: Runtime, id: string): readonly string[] {
  const annotations = member(parseJson(succeed(runtime.verb("state", id)).stdout()), "annotations");
  const found = member(annotations, KEY);
  return typeof found === "string" ? found.split("\n") : [];
}

/** What engines mount into every container. */
function engineMounts(): readonly Readonly<Record<string, unknown>>[] {
  const file = join(scratch(), "of-the-engine");
  writeFileSync(file, "nameserver 192.0.2.1\n");
  const bound = ["/etc/resolv.conf", "/etc/hostname", "/etc/hosts", "/dev/shm", "/dev/termination-log"];
  return [
    ...bound.map((destination) => ({ destination, type: "bind", source: file, options: ["rbind", "rw"] })),
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/dev", type: "tmpfs", source: "tmpfs" },
    { destination: "/run", type: "tmpfs", source: "tmpfs" },
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup" },
  ];
}

describe("the warnings of a container", () => {
  it("are in its state and mark it in the list, until its end", () => {
    const runtime = lightRuntime();
    runtime.create("lossy", lightBundle("lossy", { mounts: [TMPFS] }));
    runtime.create("whole", lightBundle("whole"));
    expect(warningsOf(runtime, "lossy")).toEqual([expect.stringContaining(LOST)]);
    expect(warningsOf(runtime, "whole")).toEqual([]);
    succeed(runtime.verb("start", "lossy"));
    expect(warningsOf(runtime, "lossy")).toEqual([expect.stringContaining(LOST)]);
    const states = list(parseJson(succeed(runtime.verb("list", "--format", "json")).stdout()));
    expect(member(member(states[0], "annotations"), KEY)).toContain(LOST);
    const [head = "", ...rows] = succeed(runtime.verb("list")).stdout().trimEnd().split("\n");
    expect(head.split(/\s+/)).toEqual(["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER", "WARNINGS"]);
    expect(rows.map((row) => row.split(/\s+/)).map((row) => [row[0], row[2], row[5], row[6]])).toEqual([
      ["lossy", "running", "root", "1"],
      ["whole", "created", "root", "0"],
    ]);
  });

  it("add no column to the list where there are none", () => {
    const runtime = lightRuntime();
    runtime.create("whole", lightBundle("whole", { mounts: engineMounts() }));
    expect(warningsOf(runtime, "whole")).toEqual([]);
    expect(succeed(runtime.verb("list")).stdout()).not.toContain("WARNINGS");
  });

  it("come from create and from start", () => {
    const runtime = lightRuntime();
    const file = join(scratch(), "resolv.conf");
    writeFileSync(file, "");
    const mount = { destination: "/etc/resolv.conf", type: "bind", source: file, options: ["bind", "ro"] };
    runtime.create("late", lightBundle("late", { mounts: [TMPFS, mount] }));
    expect(warningsOf(runtime, "late")).toHaveLength(1);
    rmSync(file);
    succeed(runtime.verb("start", "late"));
    expect(warningsOf(runtime, "late")).toEqual([
      expect.stringContaining(LOST),
      expect.stringContaining("/etc/resolv.conf of the container cannot be read"),
    ]);
  });

  it("are told to hooks", () => {
    const runtime = lightRuntime();
    const told = join(scratch(), "told");
    const hook = { path: "/bin/sh", args: ["sh", "-c", `cat > ${told}`] };
    runtime.create("lossy", lightBundle("lossy", { mounts: [TMPFS], hooks: { createRuntime: [hook] } }));
    expect(readFileSync(told, "utf8")).toContain(LOST);
  });

  it("cannot be made up by an image, and have no end beyond their room", () => {
    const runtime = lightRuntime();
    const made = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`urunc.${"x".repeat(100)}${n}`, "x"]));
    const bundle = lightBundle("made");
    const path = join(bundle, "config.json");
    const config = Object(parseJson(readFileSync(path, "utf8")));
    const mounts = Array.from({ length: 4000 }, (_, n) => ({ ...TMPFS, destination: `/data\u001b/${n}` }));
    const annotations = { ...Object(config.annotations), ...made, [KEY]: "nothing to see" };
    writeFileSync(path, JSON.stringify({ ...config, mounts, annotations }));
    runtime.create("made", bundle);
    const warnings = warningsOf(runtime, "made");
    expect(warnings.join("\n")).not.toContain("nothing to see");
    expect(warnings.join("\n")).toContain("/data\\x1b/0 (tmpfs)");
    expect(warnings.join("\n")).not.toContain("\u001b");
    expect(warnings.join("\n").length).toBeLessThan(17_000);
  });
});

describe("a guest that gets a copy of what it may write to", () => {
  const ordinary = (mode: string) => {
    const kernel = debianKernel();
    const bundle = busyboxBundle({ args: ["true"], annotations: { [annotation("bootKernel")]: kernel.image } });
    const source = join(scratch(), "vol");
    mkdirSync(source, { recursive: true });
    addMount(bundle, { destination: "/vol", type: "bind", source, options: ["rbind", mode] });
    return { bundle, directories: `[container_boot]\ndirectories = ["${kernel.directory}"]\n` };
  };

  it("is warned of, and with strict not made", () => {
    const { bundle, directories } = ordinary("rw");
    const runtime = urunc(directories);
    runtime.create("copies", bundle);
    expect(warningsOf(runtime, "copies").join("\n")).toMatch(/copies of the writable bind mounts \/vol .*is lost/);
    const strict = urunc(directories + STRICT);
    expect(strict.verb("create", "--bundle", bundle, "strict").status).toBe(1);
    expect(strict.lastError()).toMatch(/copies of the writable bind mounts \/vol .*runtime\.strict/);
    expect(strict.verb("plan", "--bundle", bundle).stdout()).toMatch(/\/vol .*runtime\.strict/);
  });

  it("is nothing to tell where it may only read", () => {
    const { bundle, directories } = ordinary("ro");
    const runtime = urunc(directories + STRICT);
    runtime.create("reads", bundle);
    expect(warningsOf(runtime, "reads").join("\n")).not.toContain("/vol");
  });
});

describe("with strict a container is not made", () => {
  const STRICT_LIGHT = lightConfiguration(PAUSE) + STRICT;

  it.each([
    ["a tmpfs", { mounts: [TMPFS] }, "/data (tmpfs)"],
    [
      "a bind mount",
      { mounts: [{ destination: "/data", type: "bind", source: "/etc", options: ["rbind", "ro"] }] },
      "does not get the bind mounts /data",
    ],
    [
      "a bind mount below /dev",
      { mounts: [{ destination: "/dev/mine", type: "bind", source: "/etc", options: ["rbind"] }] },
      "/dev/mine (bind)",
    ],
    [
      "a device",
      { linux: { devices: [{ path: "/dev/fuse", type: "c", major: 10, minor: 229 }], namespaces: [] } },
      "does not get the devices /dev/fuse",
    ],
    [
      "a variable",
      { process: { user: { uid: 0, gid: 0 }, args: ["x"], env: ["PATH=/bin", "SECRET=1"], cwd: "/" } },
      "environment variables are not passed",
    ],
    [
      "processors",
      { linux: { resources: { cpu: { quota: 200_000, period: 100_000 } }, namespaces: [] } },
      "1 virtual CPU at most",
    ],
  ])("whose guest does not get %s", (_, more, expected) => {
    const runtime = urunc(STRICT_LIGHT);
    const outcome = runtime.verb("create", "--bundle", lightBundle("lossy", more), "lossy");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain(expected);
    expect(runtime.lastError()).toContain("runtime.strict of the configuration does not allow that");
    expect(names(runtime.root)).toEqual([]);
  });

  it("but where there are remarks only, and what engines add", () => {
    const runtime = urunc(STRICT_LIGHT);
    const process = { user: { uid: 0, gid: 0 }, args: ["x"], env: ["PATH=/bin", "HOSTNAME=x", "TERM=xterm"], cwd: "/" };
    const bundle = lightBundle("fine", { mounts: engineMounts(), process });
    runtime.create("fine", bundle);
    succeed(runtime.verb("start", "fine"));
  });

  it("and not started, where only start can know", () => {
    const runtime = urunc(STRICT_LIGHT);
    const source = join(scratch(), "resolv.conf");
    writeFileSync(source, "");
    const mount = { destination: "/etc/resolv.conf", type: "bind", source, options: ["bind", "ro"] };
    runtime.create("late", lightBundle("late", { mounts: [mount] }));
    rmSync(source);
    expect(runtime.verb("start", "late").status).toBe(1);
    expect(runtime.lastError()).toMatch(/resolv\.conf of the container cannot be read.*runtime\.strict/);
  });
});

describe("lines of the log", () => {
  const SYSLOG = "[log]\nsyslog = true\n";
  const DEVICES = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9";

  /**
   * A runtime that sees a collector at this path, by `line` of a shell in a mount namespace of its own.
   *
   * @param tracer words before the runtime's.
   */
  async function collected(line: string, tracer = "") {
    const socket = join(scratch(), "collector");
    const collector = start(scratch(), [join(HELPERS, "collector"), socket]);
    atEnd(() => void collector.child.kill("SIGKILL"));
    await until("the collector listens", () => collector.stdout().includes("listening"));
    const script = `${DEVICES} && mount -t tmpfs none /run && ${line} && exec ${tracer} "$@"`;
    const prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"];
    return {
      runtime: urunc(lightConfiguration(PAUSE) + SYSLOG, prefix),
      packets: () => collector.stdout().split("\n").slice(1),
      stop: () => void collector.child.kill("SIGSTOP"),
    };
  }

  it("reach journald, with the container's id and a priority", async () => {
    const socket = join(scratch(), "collector");
    const place = "mkdir -p /run/systemd/journal";
    const { runtime, packets } = await collected(`${place} && ln -s ${socket} /run/systemd/journal/socket`);
    runtime.create("lossy", lightBundle("lossy", { mounts: [TMPFS] }));
    await until("the warning is there", () => packets().some((packet) => packet.includes(LOST)));
    const fields =
      packets()
        .find((packet) => packet.includes(LOST))
        ?.split("|") ?? [];
    expect(fields).toContain("PRIORITY=4");
    expect(fields).toContain("SYSLOG_IDENTIFIER=urunc");
    expect(fields).toContain("CONTAINER_ID_FULL=lossy");
    expect(fields[0]).toMatch(/^MESSAGE=container lossy: mirage does not get/);
  });

  it("reach syslog where there is no journald, from every verb", async () => {
    const { runtime, packets } = await collected(`ln -s ${join(scratch(), "collector")} /dev/log`);
    const file = join(scratch(), "resolv.conf");
    writeFileSync(file, "");
    const mount = { destination: "/etc/resolv.conf", type: "bind", source: file, options: ["bind", "ro"] };
    runtime.create("lossy", lightBundle("lossy", { mounts: [TMPFS, mount] }));
    rmSync(file);
    succeed(runtime.verb("start", "lossy"));
    await until("the last line is there", () => packets().some((packet) => packet.includes("cannot be read")));
    const [first = ""] = packets();
    expect(first).toMatch(
      /^<28>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d urunc\[\d+\]: container lossy: mirage does not get/,
    );
  });

  it("reach it of a bundle that goes to runc, and of errors", async () => {
    const { runtime, packets } = await collected(`ln -s ${join(scratch(), "collector")} /dev/log`);
    const annotations = { [annotation("bootkernel")]: "default" };
    expect(
      runtime.verb("run", "--bundle", busyboxBundle({ args: ["/not/there"], annotations }), "typo").status,
    ).not.toBe(0);
    await until("the warning is there", () => packets().some((packet) => packet.includes("did you mean")));
    expect(runtime.verb("create", "--bundle", helloBundle({ kernel: "/etc/hostname" }), "bad").status).toBe(1);
    await until("the error is there", () => packets().some((packet) => packet.startsWith("<27>")));
  });

  it("are waited for once in a verb where the collector does not read", async () => {
    const trace = join(scratch(), "trace");
    const tracer = `strace -qq -o ${trace} -e trace=poll`;
    const { runtime, stop } = await collected(`ln -s ${join(scratch(), "collector")} /dev/log`, tracer);
    stop();
    const keys = Array.from({ length: 30 }, (_, index) => [annotation(`unknown${index}`), ""]);
    const bundle = writeLightBundle(join(scratch(), "many"), {}, Object.fromEntries(keys));
    const timeouts = (): number => {
      succeed(runtime.verb("create", "--bundle", bundle, "many"));
      const lines = readFileSync(trace, "utf8").split("\n");
      succeed(runtime.verb("delete", "--force", "many"));
      return lines.filter((line) => line.includes("POLLOUT") && line.includes("(Timeout)")).length;
    };
    // Its queue is as long as net.unix.max_dgram_qlen says.
    const counts: number[] = [];
    while (counts.at(-1) !== 1 && counts.length < 40) counts.push(timeouts());
    expect(counts.at(-1)).toBe(1);
    expect(Math.max(...counts)).toBe(1);
  });

  it("are in the log all the same where nobody collects them, which is a warning", async () => {
    const { runtime } = await collected("true");
    runtime.create("lossy", lightBundle("lossy", { mounts: [TMPFS] }));
    const log = readFileSync(runtime.log, "utf8");
    expect(log).toContain("log.syslog of the configuration: nobody collects log lines");
    expect(log).toContain(LOST);
    expect(text(parseJson(log.split("\n")[0] ?? ""), "level")).toBe("warning");
  });
});
