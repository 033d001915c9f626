// `[runtime] monitor_uids`: each monitor is a user of the host of its own.
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, helloBundle, KERNEL, NAMESPACES } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { descendants } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { mountRootfs } from "../lib/loop.ts";
import { podAndOutside } from "../lib/network.ts";
import { HTTP_KERNEL } from "../lib/paths.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const USERS = "/run/urunc-uids";

/** A range of each test's own: all of a host share them. */
const key = (first: number, last: number): string => `[runtime]\nmonitor_uids = "${first}-${last}"\n`;

function idsOf(pid: number): { readonly uid: string; readonly gid: string; readonly groups: string } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const line = (name: string) => (new RegExp(`^${name}:[ \\t]*(.*)$`, "m").exec(status)?.[1] ?? "").trim();
  return { uid: line("Uid"), gid: line("Gid"), groups: line("Groups") };
}

const same = (id: number): string => Array.from({ length: 4 }, () => id).join("\t");

function staying(runtime: Runtime, id: string): number {
  const { pid } = runtime.create(id, helloBundle({ name: id, args: ["--stay"] }));
  succeed(runtime.verb("start", id));
  return pid;
}

function idIn(pid: number, first: number, last: number): number {
  const id = Number(idsOf(pid).uid.split("\t")[0]);
  expect(id).toBeGreaterThanOrEqual(first);
  expect(id).toBeLessThanOrEqual(last);
  expect(idsOf(pid)).toEqual({ uid: same(id), gid: same(id), groups: "" });
  return id;
}

describe("monitors with users of their own", () => {
  it("have another each, without groups and whatever the bundle's user is, until they are deleted", () => {
    const runtime = urunc(key(310_000, 310_001));
    const first = idIn(staying(runtime, "first"), 310_000, 310_001);
    const second = idIn(staying(runtime, "second"), 310_000, 310_001);
    expect(second).not.toBe(first);
    expect(readlinkSync(join(USERS, String(first)))).toBe(join(runtime.root, "first"));
    const outcome = runtime.verb("create", "--bundle", helloBundle({ name: "third" }), "third");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toBe(
      "runtime.monitor_uids: all 2 users from 310000 to 310001 belong to other containers: give a wider range",
    );
    succeed(runtime.verb("delete", "--force", "first"));
    expect(() => lstatSync(join(USERS, String(first)))).toThrow();
    expect(idIn(staying(runtime, "third"), 310_000, 310_001)).toBe(first);
  });

  it("get one whose container has gone without a word", () => {
    const runtime = urunc(key(310_010, 310_010));
    mkdirSync(USERS, { mode: 0o700, recursive: true });
    const place = join(USERS, "310010");
    symlinkSync(join(runtime.root, "gone"), place);
    atEnd(() => rmSync(place, { force: true }));
    expect(idIn(staying(runtime, "next"), 310_010, 310_010)).toBe(310_010);
  });

  it("cannot be given back where others can write, which is a warning of delete: the rest is done", () => {
    const runtime = urunc(key(310_015, 310_015));
    const told = join(scratch(), "told");
    const hooks = { poststop: [{ path: "/bin/sh", args: ["sh", "-c", `echo deleted > ${told}`] }] };
    runtime.create("kept", helloBundle({ hooks }));
    // Where only this verb sees it.
    const cover = `mount -t tmpfs -o mode=777 none ${USERS} && exec "$0" "$@"`;
    const globals = ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
    const verb = [runtime.program, ...globals, "delete", "--force", "kept"];
    succeed(run(scratch(), ["unshare", "--mount", "sh", "-c", cover, ...verb]));
    expect(readFileSync(told, "utf8")).toBe("deleted\n");
    expect(readFileSync(runtime.log, "utf8")).toContain("Give back the monitor's user 310015");
    rmSync(join(USERS, "310015"));
  });

  it("give it back when create fails", () => {
    const runtime = urunc(key(310_020, 310_020));
    const hooks = { createRuntime: [{ path: "/bin/false" }] };
    expect(runtime.verb("create", "--bundle", helloBundle({ hooks }), "failed").status).toBe(1);
    expect(() => lstatSync(join(USERS, "310020"))).toThrow();
  });

  it("read a kernel that only the bundle's user may read", () => {
    const runtime = urunc(key(310_030, 310_040));
    const bundle = helloBundle({ args: ["well"] });
    const kernel = join(bundle, "rootfs", KERNEL);
    chmodSync(kernel, 0o600);
    chownSync(kernel, 0, 0);
    const outcome = succeed(runtime.verb("run", "--bundle", bundle, "secret"));
    expect(outcome.stdout()).toContain("powering off");
    expect(lstatSync(kernel).mode & 0o7777).toBe(0o600);
    expect(lstatSync(kernel).uid).toBe(0);
  });

  it("have their network", async () => {
    const { pod, outside } = podAndOutside();
    const runtime = urunc(key(310_050, 310_060));
    const namespaces = NAMESPACES.map(({ type }) => (type === "network" ? { type, path: pod.path } : { type }));
    const { pid, outcome } = runtime.create("web", helloBundle({ kernel: HTTP_KERNEL, args: ["http"], namespaces }));
    succeed(runtime.verb("start", "web"));
    idIn(pid, 310_050, 310_060);
    await until("the guest serves", () => outcome.stdout().includes("serving on port 80"), 40_000);
    expect(outside.inside("busybox", "wget", "-q", "-Y", "off", "-O", "-", "http://10.9.8.7/")).toContain("unikernel");
  });
});

describe("monitors with users of their own, of Linux guests", () => {
  let kernel: LinuxKernel;
  beforeAll(() => {
    kernel = debianKernel();
  });

  it("write to the rootfs' device", async () => {
    const runtime = linuxRuntime(kernel, key(310_070, 310_080));
    const annotations = { [annotation("mountRootfs")]: "true" };
    const bundle = linuxBundle(kernel, "echo written > /new; sync", { writable: true, annotations });
    mountRootfs(bundle);
    await linesOf(runtime, bundle);
    expect(readFileSync(join(bundle, "rootfs/new"), "utf8")).toBe("written\n");
  });

  it("leave the server of a share the bundle's user", async () => {
    const runtime = linuxRuntime(kernel, key(310_090, 310_099));
    const annotations = { [annotation("mountRootfs")]: "true" };
    const bundle = linuxBundle(kernel, "echo written > /new; echo up; sleep 60", { writable: true, annotations });
    const { pid, outcome } = runtime.create("shared", bundle);
    succeed(runtime.verb("start", "shared"));
    await until("the guest is up", () => outcome.stdout().includes("up"), 40_000);
    idIn(pid, 310_090, 310_099);
    expect(idsOf(descendants(pid)[0]?.pid ?? 0).uid).toBe(same(0));
    expect(readFileSync(join(bundle, "rootfs/new"), "utf8")).toBe("written\n");
  });

  it("are refused a root by 9p, which they serve themselves", () => {
    const runtime = linuxRuntime(kernel, `${key(310_100, 310_101)}[extra_binaries.virtiofsd]\npath = "/nothing"\n`);
    const annotations = { [annotation("mountRootfs")]: "true" };
    const bundle = linuxBundle(kernel, "", { annotations });
    expect(runtime.verb("create", "--bundle", bundle, "refused").status).toBe(1);
    expect(runtime.lastError()).toContain("runtime.monitor_uids: a root by 9p");
  });
});
