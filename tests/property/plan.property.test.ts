import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIGURATION } from "../../src/config/defaults.ts";
import type { Application } from "../../src/guests/guest.ts";
import type { KernelFile } from "../../src/kernel/kernel-file.ts";
import type { MonitorInput } from "../../src/monitors/monitor.ts";
import { MONITORS } from "../../src/monitors/registry.ts";
import type { HostFacts } from "../../src/plan/host-facts.ts";
import type { LaunchPlan } from "../../src/plan/launch-plan.ts";
import { renderPlan, renderProblems } from "../../src/plan/render.ts";
import { args, env, FULL_CONFIG, mutated, nasty, runs } from "../lib/arbitrary.ts";
import {
  rumprunTexts,
  splitLikeHermit,
  splitLikeLinux,
  splitLikeMirage,
  splitLikeOsv,
  splitLikeRumprun,
  splitLikeShell,
  splitLikeUnikraft,
  throughFirecracker,
  unikraftEnvironment,
} from "../lib/guest-splitters.ts";
import { solo5Kernel } from "../lib/kernels.ts";
import { planOf } from "../lib/plan-bundle.ts";

const PREFIX = "com.urunc.unikernel.";

const BZIMAGE: KernelFile = { format: "bzimage", protocol: 0x20f, bits: 64 };

const PVH: KernelFile = { format: "elf", bits: 64, machine: "x86_64", pvh: true, multiboot: "none" };

const FACTS: HostFacts = {
  arch: "x86_64",
  monitorBinary: { path: "/usr/bin/monitor", dynamic: true },
  existing: ["/usr/share/qemu", "/usr/lib"],
  libraryLinks: {},
  devices: ["/dev/null", "/dev/urandom", "/dev/kvm"],
  imageFiles: {
    "/kernel": { found: true, size: 1, kernel: BZIMAGE },
    "/initrd": { found: true, size: 1 },
    "/disk.img": { found: true, size: 1 },
  },
};

/** The kernel that belongs to a guest on a monitor. */
function kernelFor(guest: string, monitor: string): KernelFile {
  if (guest === "nanos") return { format: "arm64-image" };
  if (monitor === "qemu") return guest === "mirage" ? solo5Kernel("virtio") : BZIMAGE;
  if (monitor !== "hvt" && monitor !== "spt") return PVH;
  const { devices: _, ...solo5 } = { devices: [], ...solo5Kernel(monitor === "hvt" ? "hvt" : "spt").solo5 };
  return { ...solo5Kernel("hvt"), solo5: { targetNumber: 1, abi: 1, ...solo5 } };
}

const PAIRS = [
  ["unikraft", "qemu"],
  ["mirage", "hvt"],
  ["mirage", "spt"],
  ["mirage", "qemu"],
  ["rumprun", "hvt"],
  ["rumprun", "spt"],
  ["linux", "qemu"],
  ["linux", "firecracker"],
  ["linux", "cloud-hypervisor"],
  ["unikraft", "firecracker"],
  ["unikraft", "hyperlight-unikraft"],
  ["mewz", "qemu"],
  ["hermit", "qemu"],
  ["includeos", "hvt"],
  ["includeos", "spt"],
  ["includeos", "qemu"],
  ["nanos", "qemu"],
  ["osv", "qemu"],
  ["freebsd", "qemu"],
] as const;

/** What a guest cannot do without. */
const NEEDED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  hermit: { [`${PREFIX}initrd`]: "/initrd" },
  nanos: { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/" },
  freebsd: { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/" },
};

interface ImageText {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}

function plan(guest: string, monitor: string, image: ImageText): LaunchPlan | undefined {
  const outcome = planOf({
    config: {
      ociVersion: "1.2.0",
      root: { path: "rootfs" },
      process: { cwd: "/", args: image.args, env: image.env },
      annotations: {
        [`${PREFIX}unikernelType`]: guest,
        [`${PREFIX}hypervisor`]: monitor,
        [`${PREFIX}binary`]: "/kernel",
        ...NEEDED[guest],
        ...image.annotations,
      },
      linux: { seccomp: {}, resources: { memory: { limit: 512 * 1024 * 1024 } } },
    },
    facts: {
      ...FACTS,
      // On PCs Nanos has no command line.
      arch: guest === "nanos" ? "aarch64" : FACTS.arch,
      imageFiles: { ...FACTS.imageFiles, "/kernel": { found: true, size: 1, kernel: kernelFor(guest, monitor) } },
    },
    bundle: "/bundle",
  });
  return "plan" in outcome ? outcome.plan : undefined;
}

/** What a monitor is told that boots an application itself. */
function directly(application: Application): MonitorInput {
  return {
    binary: "/usr/bin/uhyve",
    arch: "x86_64",
    kernel: "/guest/kernel",
    memory: 64 * 1024 * 1024,
    vcpus: 1,
    accelerator: "kvm",
    seccomp: true,
    guest: { commandLine: "", disks: [], nics: [], monitorOptions: [], warnings: [] },
    application,
    nics: [],
    configuration: DEFAULT_CONFIGURATION.monitors.uhyve,
  };
}

/** argv without the command line, which must be one element in its one place. */
function shapeOf(made: LaunchPlan): readonly string[] {
  const { argv } = made.exec;
  if (made.commandLine === "") return argv;
  if (made.monitor === "hyperlight-unikraft" || made.monitor === "firecracker") return argv;
  if (made.monitor === "cloud-hypervisor") {
    expect(argv.at(-1)).toBe(`--cmdline=${made.commandLine}`);
    return argv.slice(0, -1);
  }
  expect(argv.at(-1)).toBe(made.commandLine);
  if (made.monitor === "qemu") expect(argv.at(-2)).toBe("-append");
  return argv.slice(0, made.monitor === "qemu" ? -2 : -1);
}

/** The files we write, with the command line, which must be one text in its one place, made short. */
function filesOf(made: LaunchPlan): unknown {
  return made.files.map(({ path, content }) => {
    const parsed: unknown = JSON.parse(content, (key, value: unknown) => {
      if (key !== "boot_args") return value;
      expect(value).toBe(made.commandLine);
      return "";
    });
    return { path, parsed };
  });
}

describe("no text of an image reaches the monitor but as the guest's command line", () => {
  test.each(PAIRS)("arguments and environment of %s on %s never become a new argument or option", (guest, monitor) => {
    const benign = plan(guest, monitor, { args: ["/app"], env: ["A=1"] });
    expect(benign).toBeDefined();
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan(guest, monitor, { args: words, env: variables });
        if (made === undefined || benign === undefined) return;
        expect(shapeOf(made)).toEqual(shapeOf(benign));
        expect(filesOf(made)).toEqual(filesOf(benign));
        expect(made.exec.env).toEqual(benign.exec.env);
        expect(made.exec.path).toBe(benign.exec.path);
      }),
      runs(500),
    );
  });

  test("arguments and environment of a Hermit application on uhyve stand where uhyve takes no options", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const argv = MONITORS.uhyve.argv(directly({ args: ["app", ...words], env: variables }));
        const end = argv.indexOf("--");
        const options = ["/usr/bin/uhyve", "--memory-size=64MiB", "--cpu-count=1", "--file-isolation=none"];
        expect(argv.slice(0, 4)).toEqual(options);
        expect(argv.slice(4, end)).toEqual(variables.map((entry) => `--env-vars=${entry}`));
        expect(argv[end + 1]).toBe("/guest/kernel");
        const rest = argv.slice(end + 2);
        expect(rest.length).toBe(words.length === 0 ? 0 : words.length + 1);
        if (rest.length > 0) expect(rest[0]).toBe("--");
        expect(splitLikeShell(rest.slice(1).join(" "))).toEqual(words);
      }),
      runs(1000),
    );
  });

  test("values of annotations never become a new argument or option", () => {
    const block = { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/data" };
    const benign = plan("rumprun", "hvt", { args: ["app"], env: [], annotations: block });
    const keys = ["cmdline", "unikernelVersion", "blkMntPoint", "solo5NetDev", "solo5BlkDev", "mountRootfs", "other"];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), nasty), (values) => {
        const annotations = Object.fromEntries(Object.entries(values).map(([key, value]) => [PREFIX + key, value]));
        const made = plan("rumprun", "hvt", { args: ["app"], env: [], annotations: { ...block, ...annotations } });
        if (made === undefined || benign === undefined) return;
        const device = values["solo5BlkDev"] || "rootfs";
        expect(device).toMatch(/^[A-Za-z0-9]{1,67}$/);
        expect(shapeOf(made)).toEqual(
          shapeOf(benign).map((word) =>
            word === "--block:rootfs=/guest/block" ? `--block:${device}=/guest/block` : word,
          ),
        );
      }),
      runs(1000),
    );
  });

  test("paths of annotations appear only as sources of image files", () => {
    fc.assert(
      fc.property(nasty, nasty, (binary, initrd) => {
        const made = planOf({
          config: {
            ...FULL_CONFIG,
            annotations: { ...FULL_CONFIG.annotations, [`${PREFIX}binary`]: binary, [`${PREFIX}initrd`]: initrd },
          },
          facts: {
            ...FACTS,
            imageFiles: { [binary]: { found: true, size: 1, kernel: BZIMAGE }, [initrd]: { found: true, size: 1 } },
          },
          bundle: "/bundle",
        });
        if (!("plan" in made)) return;
        for (const file of made.plan.imageFiles) {
          expect(file.source).toMatch(/^[A-Za-z0-9._/-]+$/);
          expect(file.source.split("/")).not.toContain("..");
          expect(file.target).toMatch(/^\/guest\/(kernel|initrd|block)$/);
        }
      }),
      runs(500),
    );
  });
});

describe("every argument arrives in the guest as it was given, or there is no plan", () => {
  test("unikraft", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("unikraft", "qemu", { args: ["app", ...words], env: variables });
        if (made === undefined) return;
        const split = splitLikeUnikraft(made.commandLine);
        expect(split.slice(split.indexOf("--") + 1)).toEqual(["app", ...words]);
        expect([...unikraftEnvironment(split)].sort()).toEqual([...variables].sort());
      }),
      runs(1500),
    );
  });

  test("unikraft and linux on firecracker, which takes the command line apart and adds to it", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const unikraft = plan("unikraft", "firecracker", { args: ["app", ...words], env: variables });
        if (unikraft !== undefined) {
          const split = splitLikeUnikraft(throughFirecracker(unikraft.commandLine));
          expect(split.slice(split.indexOf("--") + 1)).toEqual(["app", ...words]);
          expect([...unikraftEnvironment(split)].sort()).toEqual([...variables].sort());
        }
        const linux = plan("linux", "firecracker", { args: ["/init", ...words], env: variables });
        if (linux !== undefined) {
          const split = splitLikeLinux(throughFirecracker(linux.commandLine));
          expect(split.includes("--") ? initArguments(split) : []).toEqual(words);
        }
      }),
      runs(2000),
    );
  });

  test("mirage", () => {
    fc.assert(
      fc.property(args, (words) => {
        const made = plan("mirage", "spt", { args: ["app", ...words], env: [] });
        if (made !== undefined) expect(splitLikeMirage(made.commandLine)).toEqual(["app", ...words]);
      }),
      runs(1500),
    );
  });

  test("rumprun", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("rumprun", "spt", { args: ["app", ...words], env: variables });
        if (made === undefined) return;
        expect(rumprunTexts(made.commandLine, "cmdline").map(splitLikeRumprun)).toEqual([["app", ...words]]);
        expect(rumprunTexts(made.commandLine, "env")).toEqual(variables);
      }),
      runs(1500),
    );
  });

  test("mewz and includeos, which split at blanks", () => {
    fc.assert(
      fc.property(args, (words) => {
        const made = plan("mewz", "qemu", { args: ["app", ...words], env: [] });
        if (made !== undefined) expect(made.commandLine.split(" ")).toEqual(["--", "app", ...words]);
        const other = plan("includeos", "spt", { args: ["app", ...words], env: [] });
        if (other !== undefined) expect(other.commandLine.split(/\s/)).toEqual(["app", ...words]);
      }),
      runs(1500),
    );
  });

  test("hermit", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("hermit", "qemu", { args: ["app", ...words], env: variables });
        expect(made).toBeDefined();
        if (made === undefined) return;
        expect(splitLikeHermit(made.commandLine)).toEqual([
          ...variables.map((entry) => `env=${entry}`),
          ...(words.length === 0 ? [] : ["--", ...words]),
        ]);
      }),
      runs(1500),
    );
  });

  test("nanos", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("nanos", "qemu", { args: ["app", ...words], env: variables });
        if (made === undefined) return;
        expect(made.commandLine.split(" ")).toEqual([
          ...variables.map((entry) => `environment.${entry}`),
          ...["app", ...words].map((word, index) => `arguments.${index}=${word}`),
        ]);
      }),
      runs(1500),
    );
  });

  test("osv", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("osv", "qemu", { args: ["app", ...words], env: variables });
        if (made === undefined) return;
        const { options, command } = splitLikeOsv(made.commandLine);
        expect(options).toEqual(variables.map((entry) => `--env=${entry}`));
        expect(command).toEqual(["app", ...words]);
      }),
      runs(1500),
    );
  });

  test("linux with an init of its own", () => {
    fc.assert(
      fc.property(args, env, (words, variables) => {
        const made = plan("linux", "qemu", { args: ["/init", ...words], env: variables });
        if (made === undefined) return;
        const split = splitLikeLinux(made.commandLine);
        const end = split.indexOf("--");
        expect(initArguments(split)).toEqual(words);
        expect(split.slice(0, end)).toEqual(["panic=-1", "console=ttyS0", ...variables, "init=/init"]);
      }),
      runs(2000),
    );
  });

  test("linux with urunit, which joins words between single quotes", () => {
    fc.assert(
      fc.property(args, (words) => {
        const made = plan("linux", "qemu", { args: ["/urunit", ...words], env: [] });
        if (made === undefined) return;
        const split = splitLikeLinux(made.commandLine);
        expect(regroup(initArguments(split))).toEqual(words);
      }),
      runs(1500),
    );
  });
});

/** The words after the first `--` up to a second one, where the kernel stops. */
function initArguments(words: readonly string[]): readonly string[] {
  const rest = words.slice(words.indexOf("--") + 1);
  const end = rest.indexOf("--");
  return end < 0 ? rest : rest.slice(0, end);
}

function regroup(words: readonly string[]): readonly string[] {
  const grouped: string[] = [];
  let open: string | undefined;
  for (const word of words) {
    if (open !== undefined) open += ` ${word}`;
    else if (word.startsWith("'")) open = word;
    else grouped.push(word);
    if (open !== undefined && open.length > 1 && open.endsWith("'")) {
      grouped.push(open.slice(1, -1));
      open = undefined;
    }
  }
  return open === undefined ? grouped : [...grouped, open];
}

describe("making a plan", () => {
  test("of a mutated bundle never throws and answers the same twice", () => {
    fc.assert(
      fc.property(mutated(FULL_CONFIG), (config) => {
        const texts = { config, facts: FACTS, bundle: "/bundle" };
        expect(planOf(texts)).toEqual(planOf(texts));
      }),
      runs(1500),
    );
  });

  test("never shows a character that steers a terminal", () => {
    fc.assert(
      fc.property(args, env, nasty, (words, variables, path) => {
        const config = {
          ...FULL_CONFIG,
          root: { path },
          process: { ...FULL_CONFIG.process, args: ["/init", ...words], env: variables },
        };
        const outcome = planOf({ config, facts: FACTS, bundle: "/bundle" });
        const text =
          "plan" in outcome
            ? renderPlan(outcome.plan, outcome.warnings)
            : renderProblems("problems" in outcome ? outcome.problems : []);
        expect(text.replaceAll("\n", "")).not.toMatch(/[\0-\x1f\x7f-\x9f\u2028-\u202e]/);
      }),
      runs(1000),
    );
  });
});
