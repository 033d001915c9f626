// The file system of the container's rootfs as the disk of a Linux guest, taken off the host and put back.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, type BundleOptions, putFile } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { isAlive, loops, openFiles } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { ext4Of, mountRootfs, storageOfHost } from "../lib/loop.ts";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 11) & 255));
const SUM = createHash("sha256").update(CONTENT).digest("hex");
const LOOK = 'while read d p t r; do [ "$p" = / ] && echo "root $t"; done < /proc/mounts; sha256sum /data/content';

let kernel: LinuxKernel;
beforeAll(() => {
  kernel = debianKernel();
});

function blockBundle(script: string, options: BundleOptions = {}): string {
  const bundle = linuxBundle(kernel, script, {
    ...options,
    annotations: { [annotation("mountRootfs")]: "true", ...options.annotations },
  });
  putFile(bundle, "data/content", CONTENT);
  return bundle;
}

describe("the rootfs as a block device", () => {
  it("is the guest's root for reading and writing; a second start of the container finds what was written", async () => {
    const runtime = linuxRuntime(kernel);
    const bundle = blockBundle(`${LOOK}; cat /data/new; echo written > /data/new; sync`, { writable: true });
    mountRootfs(bundle);
    const before = storageOfHost();
    expect(succeed(runtime.verb("plan", "--bundle", bundle)).stdout()).toMatch(/root +.* as a block device\n/);
    const first = await linesOf(runtime, bundle);
    expect(first).toContain("root ext4");
    expect(first).toContain(`${SUM}  /data/content`);
    expect(storageOfHost()).toBe(before);
    expect(readFileSync(join(bundle, "rootfs/data/new"), "utf8")).toBe("written\n");
    expect(await linesOf(runtime, bundle)).toContain("written");
    expect(storageOfHost()).toBe(before);
  });

  it("is read-only where the bundle says so, and mounted with the options it had", async () => {
    const bundle = blockBundle(`${LOOK}; mount -o remount,rw /; echo x > /data/new || echo refused`);
    mountRootfs(bundle, "nodev", "nosuid", "noatime");
    const before = storageOfHost();
    const lines = await linesOf(linuxRuntime(kernel), bundle);
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(lines).toContain("refused");
    expect(storageOfHost()).toBe(before);
    expect(existsSync(join(bundle, "rootfs/data/new"))).toBe(false);
  });

  it("is not to be had by anybody else while the container is there", async () => {
    const runtime = linuxRuntime(kernel);
    const bundle = blockBundle("echo up; sleep 60", { writable: true });
    const device = mountRootfs(bundle);
    const before = storageOfHost();
    const { pid, outcome } = runtime.create("held", bundle);
    expect(existsSync(join(bundle, "rootfs/data"))).toBe(false);
    const mounted = (): string => run(scratch(), ["mount", device, join(bundle, "rootfs")]).stderr();
    expect(mounted()).toMatch(/busy|already mounted/);
    succeed(runtime.verb("start", "held"));
    await until("the guest is up", () => outcome.stdout().includes("up"), 30_000);
    expect(openFiles(pid)).toContain(device);
    expect(mounted()).toMatch(/busy|already mounted/);
    process.kill(pid, "SIGKILL");
    await until("the monitor has ended", () => !isAlive(pid));
    succeed(runtime.verb("delete", "held"));
    expect(storageOfHost()).toBe(before);
  });

  it("is put back when create is killed between its steps", async () => {
    const runtime = linuxRuntime(kernel);
    // A hook outlives a runtime that is killed; this one not for long.
    const hooks = { createRuntime: [{ path: "/bin/sleep", args: ["sleep", "4"] }] };
    const bundle = blockBundle("", { hooks });
    mountRootfs(bundle);
    const before = storageOfHost();
    const creating = runtime.begin("create", "--bundle", bundle, "killed");
    runtime.expectLeftover("killed");
    await until("the file system is gone", () => !existsSync(join(bundle, "rootfs/data")));
    expect(storageOfHost()).not.toBe(before);
    creating.child.kill("SIGKILL");
    await creating.ended();
    succeed(runtime.verb("delete", "--force", "killed"));
    expect(storageOfHost()).toBe(before);
  });

  it("is put back when create fails after it was taken", () => {
    const runtime = linuxRuntime(kernel);
    const bundle = blockBundle("", { hooks: { createRuntime: [{ path: "/bin/false" }] } });
    mountRootfs(bundle);
    const before = storageOfHost();
    expect(runtime.verb("create", "--bundle", bundle, "failing").status).toBe(1);
    expect(storageOfHost()).toBe(before);
  });

  it("may be unmounted by the caller before delete is asked for, and after", () => {
    const runtime = linuxRuntime(kernel);
    const bundle = blockBundle("");
    mountRootfs(bundle);
    const before = storageOfHost();
    runtime.create("unmounted", bundle);
    expect(run(scratch(), ["umount", join(bundle, "rootfs")]).status).not.toBe(0);
    succeed(runtime.verb("delete", "--force", "unmounted"));
    expect(storageOfHost()).toBe(before);
    succeed(run(scratch(), ["umount", join(bundle, "rootfs")]));
    expect(loops().some((line) => line.includes(scratch()))).toBe(false);
  });

  it("is refused while another mount namespace has it, and left as it was", async () => {
    const runtime = linuxRuntime(kernel);
    const bundle = blockBundle("");
    mountRootfs(bundle);
    const before = storageOfHost();
    const other = start(scratch(), ["unshare", "-m", "--propagation", "private", "sh", "-c", "echo in; exec sleep 60"]);
    atEnd(() => void other.child.kill("SIGKILL"));
    await until("the other namespace is there", () => other.stdout().includes("in"));
    expect(runtime.verb("create", "--bundle", bundle, "twice").status).toBe(1);
    expect(runtime.lastError()).toMatch(/Claim \/dev\/loop\d+ for the guest: it is still mounted in another mount/);
    expect(storageOfHost()).toBe(before);
    other.child.kill("SIGKILL");
    await other.ended();
  });
});

describe("a block image of 2 GB in the image", () => {
  it("is the guest's root and costs no copy", async () => {
    const annotations = { [annotation("block")]: "/disk.img", [annotation("blkMntPoint")]: "/" };
    const runtime = linuxRuntime(kernel);
    const bundle = linuxBundle(kernel, LOOK, { annotations });
    putFile(bundle, "data/content", CONTENT);
    const image = join(bundle, "rootfs", "disk.img");
    const made = ext4Of(join(bundle, "rootfs"), join(scratch(), "disk.img"), "2G");
    succeed(run(scratch(), ["find", join(bundle, "rootfs"), "-mindepth", "1", "-delete"]));
    succeed(run(scratch(), ["mv", made, image]));
    const { size, blocks } = statSync(image);
    expect(size).toBe(2 * 1024 ** 3);
    expect(blocks * 512).toBeLessThan(size / 10);
    const used = (): number =>
      Number(
        succeed(run(scratch(), ["du", "-sm", scratch()]))
          .stdout()
          .split("\t")[0],
      );
    const before = used();
    const { outcome } = runtime.create("large", bundle);
    succeed(runtime.verb("start", "large"));
    await until("the guest has ended", () => outcome.stdout().includes("end"), 30_000);
    const lines = outcome.stdout().split(/\r?\n/);
    expect(lines).toContain("root ext4");
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(statSync(image).blocks).toBe(blocks);
    expect(used() - before).toBeLessThan(100);
  });
});
