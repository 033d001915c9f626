// The file systems of the host while a container waits for its start, for runc and urunc alike.
import { mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, type BundleOptions, type Hooks, helloBundle } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { loops } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel } from "../lib/linux-kernel.ts";
import { ext4Of, loopMount, mountRootfs } from "../lib/loop.ts";
import { urunc } from "../lib/runtime.ts";
import { SUBJECTS } from "../lib/subjects.ts";

const HOOK = [{ path: "/bin/true" }];
const HOOKS: Readonly<Record<string, Hooks>> = {
  "without hooks": {},
  "with a prestart hook": { prestart: HOOK },
  "with hooks of create": { createRuntime: HOOK, createContainer: HOOK },
  "with hooks of start": { startContainer: [], poststart: HOOK },
};

/** A file system that is mounted before a container is made; nothing tells other mount namespaces that it is unmounted. */
function otherFileSystem(): { readonly place: string; readonly file: string } {
  const [tree, place] = [join(scratch(), "tree"), join(scratch(), "with a blank")];
  mkdirSync(tree);
  mkdirSync(place);
  writeFileSync(join(tree, "content"), "");
  const file = ext4Of(tree, join(scratch(), "other.ext4"), "16M");
  loopMount(file, place);
  succeed(run(scratch(), ["mount", "--make-private", place]));
  return { place, file };
}

for (const subject of SUBJECTS) {
  describe(`a container of ${subject.name} that waits for its start`, () => {
    it.each(Object.entries(HOOKS))("keeps no file system of the host in use, %s", async (_, hooks) => {
      const runtime = subject.runtime();
      const { place, file } = otherFileSystem();
      const { outcome } = runtime.create("waits", subject.staying({ hooks }));
      expect(loops().some((line) => line.includes(file))).toBe(true);
      succeed(run(scratch(), ["umount", place]));
      // The loop device goes with the last user of its file system.
      expect(loops().filter((line) => line.includes(file))).toEqual([]);
      succeed(runtime.verb("start", "waits"));
      await until("it runs", () => outcome.stdout().includes("tick 1"));
    });
  });
}

describe("a container that waits for its start", () => {
  function keepsNothingOf(options: BundleOptions): void {
    const runtime = linuxRuntime(debianKernel());
    const bundle = linuxBundle(debianKernel(), "", {
      name: "block",
      annotations: { [annotation("mountRootfs")]: "true" },
    });
    mountRootfs(bundle);
    runtime.create("waits", helloBundle({ name: "waiting", ...options }));
    runtime.create("block", bundle);
    expect(runtime.status("block")).toBe("created");
  }

  it("leaves the device of a rootfs that was mounted before to a container that has it for its root", () => {
    keepsNothingOf({});
  });

  it("does so also when hooks have run in its mount namespace", () => {
    keepsNothingOf({ hooks: { createContainer: HOOK } });
  });

  it("keeps nothing of its caller's mounts open but its output and the log", () => {
    const runtime = urunc();
    const { pid } = runtime.create("waits", helloBundle());
    const open = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const ofMounts = open.filter((path) => path.startsWith("/") && path !== "/dev/null" && path !== runtime.log);
    expect(ofMounts.filter((path) => !path.startsWith(`${scratch()}/`))).toEqual([]);
  });

  it("is found at its start by way of two links, of which one lies on a file system of its own", async () => {
    const { place } = otherFileSystem();
    const bundle = helloBundle({ args: ["hello", "one two"], hooks: { createContainer: HOOK } });
    symlinkSync(bundle, join(place, "second"));
    symlinkSync(join(place, "second"), join(scratch(), "first"));
    const runtime = urunc();
    const { outcome } = runtime.create("behind", join(scratch(), "first"));
    succeed(runtime.verb("start", "behind"));
    await until("it runs", () => outcome.stdout().includes("one two"));
  });

  it("finds at its start what the bundle binds, behind a link and on a file system of its own", async () => {
    const { place, file } = otherFileSystem();
    const link = join(scratch(), "link");
    succeed(run(scratch(), ["ln", "-s", place, link]));
    const runtime = linuxRuntime(debianKernel());
    const bundle = linuxBundle(debianKernel(), "ls /data/content; sleep 60", { hooks: { createContainer: HOOK } });
    addMount(bundle, { destination: "/data", source: link, type: "bind", options: ["rbind"] });
    const { outcome } = runtime.create("binds", bundle);
    succeed(run(scratch(), ["umount", place]));
    expect(loops().some((line) => line.includes(file))).toBe(true);
    succeed(runtime.verb("start", "binds"));
    await until("the guest has the file", () => /^\/data\/content\r?$/m.test(outcome.stdout()), 60_000);
  });

  it("gives hooks mounts of its own: what they mount is there at start and never on the host", async () => {
    const marker = join(scratch(), "marker");
    mkdirSync(marker);
    succeed(run(scratch(), ["mount", "-t", "tmpfs", "tmpfs", marker]));
    atEnd(() => void run(scratch(), ["umount", "-R", marker]));
    succeed(run(scratch(), ["mount", "--make-shared", marker]));
    mkdirSync(join(marker, "inner"));
    const script = `mount -t tmpfs tmpfs ${marker}/inner && echo of the hook > ${marker}/inner/file`;
    const hook = { path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] };
    const runtime = linuxRuntime(debianKernel());
    const bundle = linuxBundle(debianKernel(), "cat /data/file; sleep 60", { hooks: { createContainer: [hook] } });
    addMount(bundle, { destination: "/data", source: `${marker}/inner`, type: "bind", options: ["rbind"] });
    const { outcome } = runtime.create("hooked", bundle);
    expect(run(scratch(), ["mountpoint", "-q", `${marker}/inner`]).status).not.toBe(0);
    succeed(runtime.verb("start", "hooked"));
    await until("the guest has the file", () => /^of the hook\r?$/m.test(outcome.stdout()), 60_000);
  });
});
