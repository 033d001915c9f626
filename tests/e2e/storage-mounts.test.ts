// Bind mounts of the bundle in a Linux guest, whatever its root is.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, type BundleOptions, busyboxBundle, putFile } from "../lib/bundle.ts";
import { run, succeed } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { parseJson } from "../lib/json.ts";
import { linesOf, linuxBundle, linuxRuntime, ownInitBundle } from "../lib/linux-guest.ts";
import { cpioOf, debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { mountRootfs } from "../lib/loop.ts";
import { SOURCE } from "../lib/paths.ts";

let kernel: LinuxKernel;
beforeAll(() => {
  kernel = debianKernel();
});

/** What Kubernetes mounts: files, and a volume whose names are links to a directory of the day. */
function addMounts(bundle: string): string {
  const host = join(scratch(), "host");
  mkdirSync(join(host, "map/..day"), { recursive: true });
  writeFileSync(join(host, "map/..day/key"), "value of the map\n", { mode: 0o640 });
  symlinkSync("..day", join(host, "map/..data"));
  symlinkSync("..data/key", join(host, "map/key"));
  writeFileSync(join(host, "hosts"), "10.4.0.5 pod\n");
  writeFileSync(join(host, "token"), "secret\n");
  mkdirSync(join(host, "writable"));
  writeFileSync(join(host, "writable/old"), "of the host\n");
  succeed(run(scratch(), ["chown", "7:8", join(host, "hosts")]));
  succeed(run(scratch(), ["mkfifo", join(host, "pipe")]));
  const mounts = [
    { destination: "/etc/hosts", source: "hosts", options: ["rbind", "ro"] },
    { destination: "/etc/config", source: "map", options: ["rbind", "ro"] },
    { destination: "/var/run/secrets/token", source: "token", options: ["bind", "ro"] },
    { destination: "/data/vol", source: "writable", options: ["rbind", "rw"] },
    { destination: "/dev/termination-log", source: "token", options: ["rbind"] },
    { destination: "/data/pipe", source: "pipe", options: ["rbind"] },
  ];
  // An image's own, over which a mount lies, and a link of it on the way to another.
  putFile(bundle, "etc/hosts", "of the image\n");
  putFile(bundle, "etc/config/own", "of the image\n");
  putFile(bundle, "run/here", "");
  mkdirSync(join(bundle, "rootfs/var"), { recursive: true });
  symlinkSync("/run", join(bundle, "rootfs/var/run"));
  const path = join(bundle, "config.json");
  const config: unknown = parseJson(readFileSync(path, "utf8"));
  const bound = mounts.map((mount) => ({ ...mount, type: "bind", source: join(host, mount.source) }));
  writeFileSync(path, JSON.stringify({ ...Object(config), mounts: bound }));
  return bundle;
}

const LOOK = [
  "cat /etc/hosts /etc/config/key /etc/config/..data/key /run/secrets/token /data/vol/old",
  "stat -c 'owner %u:%g' /etc/hosts; stat -c 'mode %a' /etc/config/..day/key",
  "ls /etc/config; ls -d /data/pipe",
  "echo x > /etc/hosts || echo 'hosts read-only'; echo x > /etc/config/new || echo 'config read-only'",
  "echo of the guest > /data/vol/new && cat /data/vol/new",
].join("; ");

function expectMounts(lines: readonly string[]): void {
  expect(lines).toContain("10.4.0.5 pod");
  expect(lines.filter((line) => line === "value of the map")).toHaveLength(2);
  expect(lines).toContain("secret");
  expect(lines).toContain("of the host");
  expect(lines).toContain("owner 7:8");
  expect(lines).toContain("mode 640");
  expect(lines).toContain("hosts read-only");
  expect(lines).toContain("config read-only");
  expect(lines).toContain("of the guest");
  expect(lines).not.toContain("of the image");
  expect(lines).not.toContain("own");
  expect(lines).not.toContain("/data/pipe");
  expect(readFileSync(join(scratch(), "host/hosts"), "utf8")).toBe("10.4.0.5 pod\n");
  expect(existsSync(join(scratch(), "host/map/new"))).toBe(false);
}

function bundleWith(options: BundleOptions): string {
  return addMounts(linuxBundle(kernel, LOOK, { writable: true, ...options }));
}

describe("bind mounts reach a guest", () => {
  it("whose root is the rootfs packed into an initrd", async () => {
    const bundle = bundleWith({});
    const look = (): string => run(scratch(), ["find", bundle, "-printf", "%p %m %U %G %s %T@ %n\n"]).stdout();
    const before = look();
    const runtime = linuxRuntime(kernel);
    expectMounts(await linesOf(runtime, bundle));
    expect(look()).toBe(before);
    expect(existsSync(join(scratch(), "host/writable/new"))).toBe(false);
    expect(readFileSync(runtime.log, "utf8")).toMatch(
      /does not get the bind mount \/data\/pipe: .*neither a file nor a/,
    );
  });

  it("whose root is the rootfs by virtiofs, where what is written is the host's", async () => {
    const bundle = bundleWith({ annotations: { [annotation("mountRootfs")]: "true" } });
    expectMounts(await linesOf(linuxRuntime(kernel), bundle));
    expect(readFileSync(join(scratch(), "host/writable/new"), "utf8")).toBe("of the guest\n");
    expect(readFileSync(join(bundle, "rootfs/etc/hosts"), "utf8")).toBe("of the image\n");
  });

  it("whose root is the device of the rootfs, which has the places only", async () => {
    const bundle = bundleWith({ annotations: { [annotation("mountRootfs")]: "true" } });
    mountRootfs(bundle);
    expectMounts(await linesOf(linuxRuntime(kernel), bundle));
    expect(readFileSync(join(bundle, "rootfs/etc/hosts"), "utf8")).toBe("of the image\n");
    expect(readFileSync(join(bundle, "rootfs/run/secrets/token"), "utf8")).toBe("");
    expect(existsSync(join(scratch(), "host/writable/new"))).toBe(false);
  });

  it("whose root is the device of the rootfs and whose init is the image's: by copies, which go with delete", () => {
    const bundle = addMounts(ownInitBundle(kernel));
    mkdirSync(join(bundle, "rootfs/run/secrets"));
    putFile(bundle, "data/here", "");
    // A link of the image that would lead to the host.
    const outside = join(scratch(), "outside");
    mkdirSync(outside);
    mkdirSync(join(bundle, "rootfs", outside), { recursive: true });
    symlinkSync(outside, join(bundle, "rootfs/out"));
    const { mounts, ...config } = Object(parseJson(readFileSync(join(bundle, "config.json"), "utf8")));
    const write = (source: string, destination: string, more: object = {}): void => {
      const mount = { source, destination, type: "bind", options: ["bind"] };
      writeFileSync(join(bundle, "config.json"), JSON.stringify({ ...config, mounts: [...mounts, mount], ...more }));
    };
    const device = mountRootfs(bundle);
    const sums = 'find "$1" -printf "%p %m %U %G %n %l\n" | sort; find "$1" -type f -exec sha256sum {} + | sort';
    const look = (): string => succeed(run(scratch(), ["sh", "-c", sums, "sh", join(bundle, "rootfs")])).stdout();
    const before = look();
    const runtime = linuxRuntime(kernel);

    const failing = (reason: RegExp): void => {
      expect(runtime.verb("create", "--bundle", bundle, "failing").status).toBe(1);
      expect(runtime.lastError()).toMatch(reason);
      expect(look()).toBe(before);
    };
    write(join(scratch(), "host/token"), "/out/new", { hooks: { createRuntime: [{ path: "/bin/false" }] } });
    failing(/createRuntime/);
    const large = join(scratch(), "large");
    succeed(run(scratch(), ["truncate", "-s", "100M", large]));
    write(large, "/data/large");
    failing(/Bind mount .*large on \/data\/large of the guest: .*No space left/);

    write(join(scratch(), "host/token"), "/out/new");
    for (const id of ["first", "second"]) {
      runtime.create(id, bundle);
      const debug = (request: string): string => succeed(run(scratch(), ["debugfs", "-R", request, device])).stdout();
      expect(debug("cat /etc/hosts")).toBe("10.4.0.5 pod\n");
      expect(debug("stat /etc/hosts")).toMatch(/User: +7 +Group: +8 /);
      expect(debug("cat /etc/config/..day/key")).toBe("value of the map\n");
      expect(debug("stat /etc/config/..day/key")).toMatch(/Mode: +0640 /);
      expect(debug("stat /etc/config/key")).toContain('"..data/key"');
      expect(debug("ls /etc/config")).not.toContain("own");
      expect(debug("cat /run/secrets/token")).toBe("secret\n");
      expect(debug("cat /data/vol/old")).toBe("of the host\n");
      expect(debug(`cat ${outside}/new`)).toBe("secret\n");
      expect(readdirSync(outside)).toEqual([]);
      expect(readFileSync(runtime.log, "utf8")).toContain("does not get the bind mount /data/pipe");
      succeed(runtime.verb("delete", "--force", id));
      expect(look()).toBe(before);
    }
  });

  it("that brings an initrd of its own, which stays as it is", async () => {
    const bundle = addMounts(
      busyboxBundle({
        args: ["/sbin/guest-init", "sh", "-c", `${LOOK}; echo end`],
        annotations: {
          [annotation("unikernelType")]: "linux",
          [annotation("hypervisor")]: "qemu",
          [annotation("binary")]: "/kernel",
          [annotation("initrd")]: "/initrd",
        },
      }),
    );
    const links = ["sh", "cat", "stat", "ls", "echo"].map((name) => ({
      name: `bin/${name}`,
      mode: 0o120777,
      content: Buffer.from("busybox"),
    }));
    const archive = cpioOf([
      { name: "bin/busybox", mode: 0o100755, content: readFileSync("/bin/busybox") },
      { name: "sbin/guest-init", mode: 0o100755, content: readFileSync(join(SOURCE, "build", "guest-init")) },
      { name: "run/here", mode: 0o100644, content: Buffer.from("") },
      { name: "var/run", mode: 0o120777, content: Buffer.from("/run") },
      ...links,
    ]);
    putFile(bundle, "initrd", archive);
    copyFileSync(kernel.image, join(bundle, "rootfs", "kernel"));
    expectMounts(await linesOf(linuxRuntime(kernel), bundle));
    expect(readFileSync(join(bundle, "rootfs", "initrd")).equals(archive)).toBe(true);
  });
});
