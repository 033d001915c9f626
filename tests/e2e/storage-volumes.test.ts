// Bind mounts of whole file systems as disks of a Linux guest whose root is a disk, taken off the host and put back.
import { createHash } from "node:crypto";
import { closeSync, constants, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, type BundleOptions, NAMESPACES } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { isAlive, loops, mounts, names } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { parseJson } from "../lib/json.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { ext4Of, loopMount, mountRootfs, storageOfHost } from "../lib/loop.ts";
import { networkNamespace } from "../lib/network.ts";

const CONTENT = Buffer.from(Array.from({ length: 200_000 }, (_, index) => (index * 7) & 255));
const SUM = createHash("sha256").update(CONTENT).digest("hex");

let kernel: LinuxKernel;
beforeAll(() => {
  kernel = debianKernel();
});

/** Where a file system of its own with a file `content` is mounted on the host. */
function volume(name: string, ...options: readonly string[]): string {
  const tree = join(scratch(), `${name}-tree`);
  const place = join(scratch(), name);
  mkdirSync(tree);
  mkdirSync(place);
  writeFileSync(join(tree, "content"), CONTENT);
  loopMount(ext4Of(tree, join(scratch(), `${name}.ext4`), "16M"), place, ...options);
  return place;
}

function deviceOf(place: string): string {
  return succeed(run(scratch(), ["findmnt", "-n", "-o", "SOURCE", place]))
    .stdout()
    .trim();
}

interface Bind {
  readonly source: string;
  readonly destination: string;
  readonly options: readonly string[];
}

/** A bundle whose root is a disk. */
function volumeBundle(script: string, binds: readonly Bind[], options: BundleOptions = {}): string {
  const annotations = { [annotation("mountRootfs")]: "true" };
  const bundle = linuxBundle(kernel, script, { writable: true, ...options, annotations });
  const path = join(bundle, "config.json");
  const config = Object(parseJson(readFileSync(path, "utf8")));
  const mounted = binds.map((bind) => ({ ...bind, type: "bind" }));
  writeFileSync(path, JSON.stringify({ ...config, mounts: mounted }));
  mountRootfs(bundle);
  return bundle;
}

const held = (source: string): Bind => ({ source, destination: "/data/vol", options: ["rbind"] });

describe("a bind mount of a whole file system of a device", () => {
  it("is a disk of the guest, for writing or not, and mounted on the host again as it was", async () => {
    const [writable, readonly] = [volume("writable", "nodev", "noatime"), volume("readonly", "nosuid")];
    const bundle = volumeBundle(
      [
        "while read d p t r; do case $p in /data/*) echo $p $t;; esac; done < /proc/mounts",
        "sha256sum /data/writable/content /data/readonly/content; cat /data/writable/note",
        "echo of the guest > /data/writable/new; echo x > /data/readonly/new || echo refused; sync",
      ].join("; "),
      [
        { source: writable, destination: "/data/writable", options: ["rbind", "rw"] },
        { source: readonly, destination: "/data/readonly", options: ["rbind", "ro"] },
        { source: "/etc/hostname", destination: "/data/writable/note", options: ["bind", "ro"] },
      ],
    );
    const runtime = linuxRuntime(kernel);
    const before = storageOfHost();
    expect(succeed(runtime.verb("plan", "--bundle", bundle)).stdout()).toMatch(/disk vol1 +\/dev\/loop\d+ at .*only\n/);
    expect(storageOfHost()).toBe(before);
    const lines = await linesOf(runtime, bundle);
    expect(lines).toContain("/data/writable ext4");
    expect(lines).toContain("/data/readonly ext4");
    expect(lines).toContain(`${SUM}  /data/writable/content`);
    expect(lines).toContain(`${SUM}  /data/readonly/content`);
    expect(lines).toContain(readFileSync("/etc/hostname", "utf8").trim());
    expect(lines).toContain("refused");
    expect(storageOfHost()).toBe(before);
    expect(readFileSync(join(writable, "new"), "utf8")).toBe("of the guest\n");
    expect(existsSync(join(readonly, "new"))).toBe(false);
  });

  it("keeps the file of its loop device meanwhile, and lets the device go with its last user afterwards", () => {
    const place = volume("kept");
    const runtime = linuxRuntime(kernel);
    const bundle = volumeBundle("", [held(place)]);
    const before = storageOfHost();
    const file = join(scratch(), "kept.ext4");
    expect(loops().find((line) => line.includes(file))).toMatch(/autoclear 1$/);
    runtime.create("kept", bundle);
    expect(mounts().some((line) => line.includes(` ${place} `))).toBe(false);
    expect(loops().find((line) => line.includes(file))).toMatch(/autoclear 0$/);
    succeed(runtime.verb("delete", "--force", "kept"));
    expect(storageOfHost()).toBe(before);
    succeed(run(scratch(), ["umount", place]));
    expect(loops().some((line) => line.includes(file))).toBe(false);
  });

  it("is put back when create, start or the monitor was killed, and nothing of the network stays in pod or host", async () => {
    const place = volume("killed");
    const [pod, host] = [networkNamespace("pod"), networkNamespace("host")];
    pod.script("ip link add eth0 type veth peer name peer0", `ip link set peer0 netns ${host.path}`);
    host.script("ip link set peer0 up", "ip address add 10.9.8.1/24 dev peer0");
    pod.script("ip link set eth0 up", "ip address add 10.9.8.7/24 dev eth0", "ip route add default via 10.9.8.1");
    const runtime = linuxRuntime(kernel, "", host.entry);
    const [ofPod, ofHost] = [pod.describe(), host.describe()];
    const everything = (): string =>
      [storageOfHost(), ...[...mounts()].sort(), pod.describe(ofPod), host.describe(ofHost)].join("\n\n");
    const sleep = [{ path: "/bin/sleep", args: ["sleep", "4"] }];
    const bundle = volumeBundle("sleep 60", [held(place)], {
      hooks: { createRuntime: sleep },
      namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: pod.path } : entry)),
    });
    const before = everything();
    runtime.expectLeftover("killed");
    const creating = runtime.begin("create", "--bundle", bundle, "killed");
    await until("the file system is gone", () => !existsSync(join(place, "content")));
    creating.child.kill("SIGKILL");
    await creating.ended();
    succeed(runtime.verb("delete", "--force", "killed"));
    expect(everything()).toBe(before);

    const path = join(bundle, "config.json");
    const config = Object(parseJson(readFileSync(path, "utf8")));
    writeFileSync(path, JSON.stringify({ ...config, hooks: { poststart: sleep } }));
    const { pid } = runtime.create("killed", bundle);
    const starting = runtime.begin("start", "killed");
    await until("the guest runs", () => runtime.status("killed") === "running");
    starting.child.kill("SIGKILL");
    await starting.ended();
    expect(pod.describe()).toMatch(/^\d+: u[0-9a-f]{8}: .*\\ +tun type tap/m);
    expect(storageOfHost()).not.toContain(` ${place} `);
    process.kill(pid, "SIGKILL");
    await until("the monitor has ended", () => !isAlive(pid));
    succeed(runtime.verb("delete", "--force", "killed"));
    expect(everything()).toBe(before);
  });

  it("that somebody holds at delete stays to be put back by the next delete; by force it is given up, and said", async () => {
    const place = volume("claimed");
    const runtime = linuxRuntime(kernel);
    const bundle = volumeBundle("", [held(place)]);
    const before = storageOfHost();
    const device = deviceOf(place);
    const holdAfterEnd = async (id: string): Promise<number> => {
      const { pid } = runtime.create(id, bundle);
      process.kill(pid, "SIGKILL");
      await until("the init has ended", () => !isAlive(pid));
      return openSync(device, constants.O_RDONLY | constants.O_EXCL);
    };
    let holder = await holdAfterEnd("plain");
    for (const _ of ["once", "twice"]) {
      expect(runtime.verb("delete", "plain").status).toBe(1);
      expect(runtime.lastError()).toMatch(/^Undo storage: .*EBUSY.*: delete the container again when/);
      expect(runtime.status("plain")).toBe("stopped");
    }
    closeSync(holder);
    succeed(runtime.verb("delete", "plain"));
    expect(storageOfHost()).toBe(before);

    holder = await holdAfterEnd("forced");
    succeed(runtime.verb("delete", "--force", "forced"));
    expect(readFileSync(runtime.log, "utf8")).toContain("EBUSY");
    expect(names(runtime.root)).toEqual([]);
    closeSync(holder);
    expect(storageOfHost()).not.toContain(` ${place} `);
  });

  it.each(["errors 3", "mount_opts errors=panic"])(
    "in whose superblock the guest has written %s is mounted with errors=remount-ro, and the log says so",
    (setting) => {
      const place = volume("panic", "nodev");
      const runtime = linuxRuntime(kernel);
      const bundle = volumeBundle("", [held(place)]);
      const device = deviceOf(place);
      runtime.create("panic", bundle);
      succeed(run(scratch(), ["debugfs", "-w", "-R", `set_super_value ${setting}`, device]));
      succeed(runtime.verb("delete", "--force", "panic"));
      const options = mounts().find((line) => line.includes(` ${place} `));
      expect(options).toContain("nodev");
      expect(options).toContain("errors=remount-ro");
      expect(readFileSync(runtime.log, "utf8")).toContain("errors=panic");
      expect(readFileSync(join(place, "content"))).toEqual(CONTENT);
    },
  );

  it("that the host uses is an error, and everything stays as it was", async () => {
    const place = volume("busy");
    const runtime = linuxRuntime(kernel);
    const bundle = volumeBundle("", [held(place)]);
    const before = storageOfHost();
    const user = start(place, ["sleep", "60"]);
    atEnd(() => void user.child.kill("SIGKILL"));
    expect(runtime.verb("create", "--bundle", bundle, "busy").status).toBe(1);
    expect(runtime.lastError()).toContain(`Unmount ${place}: `);
    expect(storageOfHost()).toBe(before);
    user.child.kill("SIGKILL");
    await user.ended();
  });
});
