// What the host mounts while a guest runs, where the host's mounts are shared, as systemd makes them.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, helloBundle } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel } from "../lib/linux-kernel.ts";
import { urunc } from "../lib/runtime.ts";

/** A directory of which every later mount is told to whoever has a copy of its mount that is no private one. */
function sharedDirectory(name: string): string {
  const place = join(scratch(), name);
  mkdirSync(place);
  succeed(run(scratch(), ["mount", "-t", "tmpfs", "tmpfs", place]));
  atEnd(() => void succeed(run(scratch(), ["umount", "-R", place])));
  succeed(run(scratch(), ["mount", "--make-shared", place]));
  return place;
}

const SHARES = [
  { name: "virtiofs", flavour: "cloud", configuration: "" },
  { name: "9p", flavour: "full", configuration: '[extra_binaries.virtiofsd]\npath = "/nothing"\n' },
] as const;

const OPTIONS: Readonly<Record<string, readonly string[]>> = {
  "read-only and private": ["rbind", "rprivate", "ro", "nosuid", "nodev"],
  "as a slave": ["rbind", "rslave"],
  "not recursively": ["bind", "rw"],
};

describe.each(SHARES)("a share by $name", ({ name, flavour, configuration }) => {
  it.each(Object.entries(OPTIONS))(
    "gets nothing that the host mounts later below a source bound %s",
    async (_, options) => {
      const source = sharedDirectory("source");
      mkdirSync(join(source, "late"));
      writeFileSync(join(source, "late/before"), "");
      const kernel = debianKernel(flavour);
      const runtime = linuxRuntime(kernel, configuration);
      const script = [
        "while read d p t r; do [ $p = / ] && echo root $t; done < /proc/mounts",
        "echo up; while ! [ -e /data/go ]; do sleep 0.2; done",
        "ls /vol/late; echo x > /vol/late/written; echo looked; sleep 60",
      ].join("; ");
      const annotations = { [annotation("mountRootfs")]: "true" };
      const bundle = linuxBundle(kernel, script, { writable: true, annotations });
      mkdirSync(join(bundle, "rootfs/data"), { recursive: true });
      addMount(bundle, { destination: "/vol", source, type: "bind", options });
      const { outcome, pid } = runtime.create("later", bundle);
      succeed(runtime.verb("start", "later"));
      await until("the guest is up", () => outcome.stdout().includes("up"), 50_000);
      expect(outcome.stdout()).toContain(`root ${name}`);
      succeed(run(scratch(), ["mount", "-t", "tmpfs", "tmpfs", join(source, "late")]));
      writeFileSync(join(source, "late/after"), "");
      const seen = readdirSync(`/proc/${pid}/root/guest/share/vol/late`);
      writeFileSync(join(bundle, "rootfs/data/go"), "");
      await until("the guest has looked", () => outcome.stdout().includes("looked"), 20_000);
      expect(seen).toEqual(["before"]);
      expect(outcome.stdout()).toMatch(/^before\r?$/m);
      expect(outcome.stdout()).not.toContain("after");
      expect(existsSync(join(source, "late/written"))).toBe(false);
    },
    90_000,
  );
});

describe("the monitor's root", () => {
  it("has no mount that is told of what the host mounts later", () => {
    const runtime = urunc("", ["unshare", "--mount", "--propagation", "shared"]);
    const { pid } = runtime.create("private", helloBundle({ args: ["hello", "--stay"] }));
    succeed(runtime.verb("start", "private"));
    const lines = readFileSync(`/proc/${pid}/mountinfo`, "utf8").trimEnd().split("\n");
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.filter((line) => /(?:shared|master):\d+ /.test(line))).toEqual([]);
  });
});
