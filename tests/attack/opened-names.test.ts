// Names that lead to a pipe or a device in the place of a file: opening one may wait for ever, or make a device do
// something. What the runtime opens by a name it looks at first, by a reference (open(2), O_PATH).
import { readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { run, succeed } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { type Step, stepsIn, stepsOf } from "../lib/inject.ts";
import { solo5File } from "../lib/kernels.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { podNetwork } from "../lib/network.ts";
import type { Runtime } from "../lib/runtime.ts";

const PLANTED: readonly (readonly [string, (path: string) => void])[] = [
  ["a pipe", (path) => void succeed(run(scratch(), ["mkfifo", "-m", "0755", path]))],
  // The null device by another name.
  ["a device", (path) => void succeed(run(scratch(), ["mknod", "-m", "0755", path, "c", "1", "3"]))],
];

function plant(path: string, make: (path: string) => void): void {
  rmSync(path, { force: true });
  make(path);
}

/** Calls that open the name itself for more than a reference. */
function openings(steps: readonly Step[], path: string): readonly string[] {
  return steps
    .filter(({ call, text }) => call.startsWith("open") && text.includes(`"${path}"`) && !text.includes("O_PATH"))
    .map(({ text }) => text);
}

function hasSeen(steps: readonly Step[], path: string): boolean {
  return steps.some(({ call, text }) => call.startsWith("open") && text.includes(`"${path}"`));
}

const MADE = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));

function namespaces(path: string): Readonly<Record<string, unknown>> {
  return { linux: { namespaces: [...MADE, { type: "network", path }] } };
}

interface Place {
  readonly name: string;
  /** Makes what `create` finds, but for the name. */
  readonly set: () => { readonly runtime: Runtime; readonly bundle: string; readonly path: string };
  readonly says: RegExp;
}

const PLACES: readonly Place[] = [
  {
    name: "config.json of the bundle",
    set: () => {
      const bundle = lightBundle();
      return { runtime: lightRuntime(), bundle, path: join(bundle, "config.json") };
    },
    says: /config\.json is not a regular file/,
  },
  {
    name: "the configuration file",
    set: () => ({ runtime: lightRuntime(), bundle: lightBundle(), path: join(scratch(), "config.toml") }),
    says: /config\.toml is not a regular file/,
  },
  {
    name: "urunc.json of the image",
    set: () => {
      const bundle = lightBundle("light", { annotations: {} });
      return { runtime: lightRuntime(), bundle, path: join(bundle, "rootfs", "urunc.json") };
    },
    says: /urunc\.json of the image is not a regular file/,
  },
  {
    name: "a namespace to join",
    set: () => {
      const path = join(scratch(), "namespace");
      return { runtime: lightRuntime(), bundle: lightBundle("light", namespaces(path)), path };
    },
    says: /Open network namespace: .*namespace is not a namespace/,
  },
  {
    name: "the monitor's program",
    set: () => {
      const path = join(scratch(), "monitor");
      const runtime = lightRuntime();
      writeFileSync(join(scratch(), "config.toml"), `[monitors.spt]\npath = "${path}"\n`);
      return { runtime, bundle: lightBundle(), path };
    },
    says: /monitor/,
  },
];

for (const [what, make] of PLANTED) {
  describe(`${what} in the place of`, () => {
    it.each(PLACES)("$name is not opened, and create says so", ({ set, says }) => {
      const { runtime, bundle, path } = set();
      plant(path, make);
      const steps = stepsOf(runtime, "create", "--bundle", bundle, "planted");
      expect(openings(steps, path)).toEqual([]);
      expect(readFileSync(runtime.log, "utf8")).toMatch(says);
    });

    it("the resources for update is not opened", () => {
      const runtime = lightRuntime();
      runtime.create("c1", lightBundle("light", { linux: { namespaces: MADE, cgroupsPath: "/urunc-opened" } }));
      const path = join(scratch(), "resources.json");
      plant(path, make);
      const steps = stepsOf(runtime, "update", "--resources", path, "c1");
      expect(hasSeen(steps, path)).toBe(true);
      expect(openings(steps, path)).toEqual([]);
    });

    it("a network namespace that has gone does not keep delete waiting, and is not opened", () => {
      const network = podNetwork();
      const path = join(scratch(), "namespace");
      symlinkSync(network.path, path);
      const bundle = lightBundle("light", namespaces(path));
      writeFileSync(join(bundle, "rootfs", "kernel"), solo5File("spt", [{ kind: "net", name: "service" }]));
      const runtime = lightRuntime();
      runtime.create("c1", bundle);
      succeed(runtime.verb("start", "c1"));
      plant(path, make);
      const steps = stepsOf(runtime, "delete", "--force", "c1");
      expect(hasSeen(steps, path)).toBe(true);
      expect(openings(steps, path)).toEqual([]);
      expect(runtime.verb("state", "c1").status).toBe(1);
    });

    it("the name servers of the container is not opened, and start goes on with a warning", async () => {
      const network = podNetwork();
      const path = join(scratch(), "resolv.conf");
      const mounts = [{ destination: "/etc/resolv.conf", type: "bind", source: path, options: ["bind"] }];
      const bundle = lightBundle("light", { ...namespaces(network.path), mounts });
      writeFileSync(join(bundle, "rootfs", "kernel"), solo5File("spt", [{ kind: "net", name: "service" }]));
      const runtime = lightRuntime();
      plant(path, make);
      const { pid } = runtime.create("c1", bundle);
      const steps = await stepsIn(pid, () => succeed(runtime.verb("start", "c1")));
      expect(hasSeen(steps, path)).toBe(true);
      expect(openings(steps, path)).toEqual([]);
    });
  });
}

describe("a pipe that nobody reads in the place of the log", () => {
  it("does not keep a verb waiting", () => {
    const runtime = lightRuntime();
    plant(runtime.log, PLANTED[0]?.[1] ?? (() => undefined));
    const outcome = runtime.verb("list");
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toContain(runtime.log);
  });
});
