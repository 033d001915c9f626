// Options of the bundle's mounts: in the guest, and on the host's side of what is shared with it.
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, helloBundle } from "../lib/bundle.ts";
import { run, succeed } from "../lib/command.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel } from "../lib/linux-kernel.ts";
import { ext4Of, loopMount, mountRootfs } from "../lib/loop.ts";
import { urunc } from "../lib/runtime.ts";

const SHARED = { [annotation("mountRootfs")]: "true" };
const SHARES = [
  { name: "virtiofs", flavour: "cloud", configuration: "" },
  { name: "9p", flavour: "full", configuration: '[extra_binaries.virtiofsd]\npath = "/nothing"\n' },
] as const;

/** A source with a file and something that is mounted in it. */
function source(): string {
  const place = join(scratch(), "source");
  mkdirSync(join(place, "inner"), { recursive: true });
  writeFileSync(join(place, "file"), "of the host\n");
  symlinkSync("file", join(place, "link"));
  succeed(run(scratch(), ["mount", "-t", "tmpfs", "tmpfs", join(place, "inner")]));
  atEnd(() => void succeed(run(scratch(), ["umount", join(place, "inner")])));
  writeFileSync(join(place, "inner/file"), "of the host\n");
  return place;
}

const MOUNTED =
  'while read d p t r x; do [ "$p" = /vol ] && echo "vol $r"; [ "$p" = / ] && echo "root $t $r"; done < /proc/mounts';
const OVERWRITE =
  "for f in /vol/file /vol/inner/file /one /own; do (echo of the guest > $f) 2> /dev/null && echo $f written || echo $f refused; done";

/** What /proc/mounts of the guest says of the mount at /vol. */
function optionsOf(lines: readonly string[]): readonly string[] {
  const last = lines.filter((line) => line.startsWith("vol ")).at(-1);
  return (last ?? "").slice(4).split(",");
}

describe.each(SHARES)("a bind mount below a share by $name", ({ name, flavour, configuration }) => {
  it.each([["ro"], ["rro"]])(
    "with %s cannot be written to, nor what is mounted in it",
    async (word) => {
      const kernel = debianKernel(flavour);
      const bundle = linuxBundle(kernel, `${MOUNTED}; mount -o remount,rw /vol; ${OVERWRITE}`, {
        writable: true,
        annotations: SHARED,
      });
      const host = source();
      addMount(bundle, { destination: "/vol", source: host, type: "bind", options: ["rbind", "rprivate", word] });
      addMount(bundle, { destination: "/one", source: join(host, "file"), type: "bind", options: ["bind", word] });
      const lines = await linesOf(linuxRuntime(kernel, configuration), bundle);
      expect(lines.join("\n")).toContain(`root ${name}`);
      expect(optionsOf(lines)).toContain("ro");
      for (const path of ["/vol/file", "/vol/inner/file", "/one"]) expect(lines).toContain(`${path} refused`);
      expect(lines).toContain("/own written");
      for (const path of ["file", "inner/file"]) expect(readFileSync(join(host, path), "utf8")).toBe("of the host\n");
    },
    120_000,
  );

  it("is writable below a root that is not", async () => {
    const kernel = debianKernel(flavour);
    const bundle = linuxBundle(kernel, `${MOUNTED}; ${OVERWRITE}; mount -o remount,rw /; ${OVERWRITE}`, {
      annotations: SHARED,
    });
    const host = source();
    addMount(bundle, { destination: "/vol", source: host, type: "bind", options: ["rbind", "rw"] });
    const lines = await linesOf(linuxRuntime(kernel, configuration), bundle);
    expect(lines.filter((line) => line === "/vol/file written")).toHaveLength(2);
    expect(lines.filter((line) => line === "/own refused")).toHaveLength(2);
    expect(lines.find((line) => line.startsWith(`root ${name}`))).toMatch(/^root \w+ ro,/);
    expect(readFileSync(join(host, "file"), "utf8")).toBe("of the guest\n");
    expect(existsSync(join(bundle, "rootfs/own"))).toBe(false);
  }, 120_000);
});

const STRICT = ["nosuid", "nodev", "noexec", "nosymfollow"];

describe("the restrictions of a bind mount hold for programs of the guest", () => {
  const forms = [STRICT, STRICT.map((word) => `r${word}`), ["user", "nosymfollow"]].map((words) => ({ words }));
  it.each(forms)("below a share: $words", async ({ words }) => {
    const kernel = debianKernel();
    const bundle = linuxBundle(kernel, `${MOUNTED}; cat /vol/link || echo not followed`, { annotations: SHARED });
    addMount(bundle, { destination: "/vol", source: source(), type: "bind", options: ["rbind", ...words] });
    const lines = await linesOf(linuxRuntime(kernel), bundle);
    expect(optionsOf(lines)).toEqual(expect.arrayContaining(STRICT));
    expect(lines).toContain("not followed");
  });

  it("as copies in an initrd, and the later of two that contradict each other counts", async () => {
    const kernel = debianKernel();
    const bundle = linuxBundle(kernel, MOUNTED);
    const options = ["rbind", "noexec", "ro", ...STRICT, "exec", "rw"];
    addMount(bundle, { destination: "/vol", source: source(), type: "bind", options });
    const found = optionsOf(await linesOf(linuxRuntime(kernel), bundle));
    expect(found).toEqual(expect.arrayContaining(["rw", "nosuid", "nodev", "nosymfollow"]));
    expect(found).not.toContain("noexec");
  });

  it("on a file system of its own that is a disk, and of copies beside it", async () => {
    const kernel = debianKernel();
    const [tree, place] = [join(scratch(), "tree"), join(scratch(), "volume")];
    mkdirSync(tree);
    mkdirSync(place);
    loopMount(ext4Of(tree, join(scratch(), "volume.ext4"), "16M"), place);
    const look = 'while read d p t r x; do case $p in /vol | /copy) echo "$p $t $r";; esac; done < /proc/mounts';
    const bundle = linuxBundle(kernel, look, { writable: true, annotations: SHARED });
    addMount(bundle, { destination: "/vol", source: place, type: "bind", options: ["rbind", ...STRICT] });
    addMount(bundle, { destination: "/copy", source: source(), type: "bind", options: ["rbind", ...STRICT] });
    mountRootfs(bundle);
    const lines = await linesOf(linuxRuntime(kernel), bundle);
    for (const start of ["/vol ext4 ", "/copy "]) {
      const found = lines.filter((line) => line.startsWith(start)).at(-1) ?? "";
      expect(found.split(/[ ,]/), lines.join("\n")).toEqual(expect.arrayContaining(STRICT));
    }
  });
});

describe("an option that a guest does not get", () => {
  it("is named in a warning, one by one, and a mount of another type too", () => {
    const kernel = debianKernel();
    const bundle = linuxBundle(kernel, "", { annotations: SHARED });
    const options = ["rbind", "rslave", "sync", "x-systemd.automount", "loop", "something=1"];
    addMount(bundle, { destination: "/vol", source: source(), type: "bind", options });
    addMount(bundle, { destination: "/data", type: "tmpfs", source: "tmpfs", options: ["size=1m"] });
    const plan = succeed(linuxRuntime(kernel).verb("plan", "--bundle", bundle)).stdout();
    for (const word of ["rslave", "sync", "loop", "something=1"]) expect(plan).toContain(`mount /vol: ${word}: `);
    expect(plan).not.toContain("x-systemd");
    expect(plan).toContain("linux does not get the mounts /data (tmpfs)");
  });

  it("is an error where less than it would open something: ids that are to be mapped", () => {
    const kernel = debianKernel();
    const runtime = linuxRuntime(kernel);
    const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
    for (const more of [{ options: ["rbind", "ridmap"] }, { options: ["rbind"], uidMappings: ids, gidMappings: ids }]) {
      const bundle = linuxBundle(kernel, "", { name: `mapped-${more.options.length}`, annotations: SHARED });
      addMount(bundle, { destination: "/vol", source: scratch(), type: "bind", ...more });
      expect(runtime.verb("create", "--bundle", bundle, "mapped").status).toBe(1);
      expect(runtime.lastError()).toMatch(/mount \/vol: (ridmap|uidMappings, gidMappings): ids cannot be mapped/);
    }
  });

  it("does not keep a guest without files from being made", () => {
    const runtime = urunc();
    const bundle = helloBundle();
    addMount(bundle, { destination: "/vol", source: scratch(), type: "bind", options: ["rbind", "ridmap", "rslave"] });
    runtime.create("none", bundle);
    expect(readFileSync(runtime.log, "utf8")).toMatch(/does not get the bind mounts \/vol/);
  });
});
