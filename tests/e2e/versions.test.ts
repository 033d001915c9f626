// Monitors by their version: how it is learnt and kept, and what a plan says of one that is too old. An old monitor is a
// program of ours that answers `--version` as that one does (tests/lib/native/tells.c): the answer is all that is read.
import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Outcome, run, succeed } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { list, member, parseJson, text } from "../lib/json.ts";
import { elfWithNotes, solo5File } from "../lib/kernels.ts";
import { writeLightBundle } from "../lib/light-bundle.ts";
import { HELPERS, URUNC } from "../lib/paths.ts";

/** Hosts of the test's own: /run is this directory, and /dev has what the script makes. */
function onHost(command: readonly string[], dev = ""): Outcome {
  const hostRun = join(scratch(), "run");
  mkdirSync(hostRun, { recursive: true });
  const script = `mount --bind ${hostRun} /run && ${dev === "" ? ":" : dev} && exec "$@"`;
  return run(scratch(), ["unshare", "--mount", "sh", "-c", script, "sh", ...command], {
    env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml"), XDG_RUNTIME_DIR: "" },
  });
}

const program = process.env.URUNC_TEST_BINARY ?? URUNC;
const answers = () => join(scratch(), "run", "urunc-versions");

/** A program that answers so. */
function monitor(answer: string, name = "monitor"): string {
  const path = join(scratch(), name);
  copyFileSync(join(HELPERS, "tells"), path);
  appendFileSync(path, `\nanswer:\n${answer}`);
  return path;
}

function configure(kind: string, path: string): void {
  writeFileSync(join(scratch(), "config.toml"), `[monitors.${kind}]\npath = "${path}"\n`);
}

function bundle(kind: string, guest: string, kernel: Buffer): string {
  const directory = writeLightBundle(join(scratch(), "bundle"), {
    annotations: {
      "com.urunc.unikernel.unikernelType": guest,
      "com.urunc.unikernel.hypervisor": kind,
      "com.urunc.unikernel.binary": "/kernel",
    },
  });
  writeFileSync(join(directory, "rootfs", "kernel"), kernel);
  return directory;
}

interface Planned {
  readonly version: string | undefined;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

function plan(directory: string, dev = "", prefix: readonly string[] = []): Planned {
  const outcome = onHost(
    [...prefix, program, "--root", join(scratch(), "root"), "plan", "--format", "json", "--bundle", directory],
    dev,
  );
  const answer = parseJson(outcome.stdout());
  if (outcome.status !== 0) {
    const problems = list(answer, "problems").map((problem) => text(problem, "message"));
    return { version: undefined, warnings: [], problems };
  }
  const version = member(member(answer, "plan"), "monitorVersion");
  const warnings = list(answer, "warnings").map(String);
  return { version: version === undefined ? undefined : String(version), warnings, problems: [] };
}

const SPT = "solo5-spt tender, version v0.12.1-7-g469c1a8\nABI version 2\n";
const sptBundle = () => bundle("spt", "mirage", solo5File("spt"));
const linuxBundle = (kind: string) =>
  bundle(kind, "linux", elfWithNotes([{ name: "Xen", type: 18, content: Buffer.alloc(8) }]));

/** What the one kept answer says. */
function kept(): { readonly path: string; readonly text: string } {
  const [name = "none", ...more] = readdirSync(answers());
  expect(more).toEqual([]);
  const path = join(answers(), name);
  return { path, text: readlinkSync(path) };
}

/** Puts another answer where one is kept, for the same file. */
function forge(answer: string): void {
  const { path, text } = kept();
  rmSync(path);
  symlinkSync(`${text.slice(0, text.indexOf("\n"))}\n${answer}`, path);
}

describe("a monitor's version", () => {
  it("is asked for once, and again when the file changes", () => {
    const path = monitor(SPT);
    configure("spt", path);
    const directory = sptBundle();
    expect(plan(directory)).toEqual({ version: "0.12.1", warnings: [], problems: [] });
    forge(SPT.replace("0.12.1", "0.10.0"));
    expect(plan(directory).version).toBe("0.10.0");
    utimesSync(path, 1, 1);
    expect(plan(directory).version).toBe("0.12.1");
    // The same times and the same size: the inode and the time of its change are others.
    rmSync(path);
    monitor(SPT.replace("0.12.1", "0.11.0"));
    utimesSync(path, 1, 1);
    expect(plan(directory).version).toBe("0.11.0");
    expect(kept().text).toContain("v0.11.0");
  });

  it.each([
    ["!hang nothing to say", 1],
    ["!status 1 unknown option", 1],
    ["", 1],
    ["solo5-spt tender, version one\n", 1],
    [`\0${SPT}`, 1],
    ["!much xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", 1],
    [`!much ${SPT}`, 0],
    [`!hang ${SPT}`, 0],
    [`!child ${SPT}`, 0],
    [`!status 3 ${SPT}`, 0],
  ])(
    "of a program that answers %j is known or taken for a current one, and the program is gone",
    (answer, warnings) => {
      configure("spt", monitor(answer));
      const directory = sptBundle();
      const begun = Date.now();
      const planned = plan(directory);
      expect(Date.now() - begun).toBeLessThan(20_000);
      expect(planned.problems).toEqual([]);
      expect(planned.warnings).toHaveLength(warnings);
      if (warnings > 0)
        expect(planned.warnings[0]).toContain("does not tell its version: it is taken for a current one");
      expect(planned.version).toBe(warnings > 0 ? undefined : "0.12.1");
      const again = Date.now();
      expect(plan(directory)).toEqual(planned);
      expect(Date.now() - again, "it was not run again").toBeLessThan(2500);
    },
  );

  it("is told by a program without rights, files to write to, descriptors or environment", () => {
    configure("spt", monitor("!rights"));
    expect(plan(sptBundle()).warnings).toHaveLength(1);
    const { text } = kept();
    expect(text).toContain("Uid:\t65534\t65534\t65534\t65534\n");
    expect(text).toMatch(
      /CapEff:\t0{16}\nCapBnd:\t0{16}\nNoNewPrivs:\t1\npid 1\nwritable 0\nfds 0 1 2\nenvironment 0\n/,
    );
  });

  it("of fifty at once is asked for by one", () => {
    configure("spt", monitor(`!hang ${SPT}`));
    const directory = sptBundle();
    const all = `for i in $(seq 50); do ${program} plan --bundle ${directory} >/dev/null & done; wait`;
    const begun = Date.now();
    succeed(onHost(["sh", "-c", all]));
    expect(Date.now() - begun).toBeLessThan(30_000);
    expect(plan(directory).version).toBe("0.12.1");
    expect(readdirSync(answers())).toHaveLength(1);
  });

  it("is shown by plan and by features", () => {
    monitor(SPT, "solo5-spt");
    configure("spt", join(scratch(), "solo5-spt"));
    const printed = succeed(onHost([program, "plan", "--bundle", sptBundle()])).stdout();
    expect(printed).toMatch(/\n {2}version +0\.12\.1\n/);
    const features = parseJson(
      succeed(onHost(["env", `PATH=${scratch()}:${process.env["PATH"]}`, program, "features"])).stdout(),
    );
    expect(text(member(features, "annotations"), "com.urunc.runtime.monitor.spt.version")).toBe("0.12.1");
  });
});

// The directory is the runtime's own; these are the ways in which it might not be.
describe("a kept answer that others could have written", () => {
  const forged = `${SPT.replace("0.12.1", "0.99.0")}`;

  it.each<[string, () => void]>([
    ["in a directory that others may write to", () => chmodSync(answers(), 0o770)],
    ["in a directory of another user", () => chownSync(answers(), 65534, 65534)],
    [
      "behind a link in the directory's place",
      () => {
        succeed(run(scratch(), ["mv", answers(), join(scratch(), "elsewhere")]));
        symlinkSync(join(scratch(), "elsewhere"), answers());
      },
    ],
  ])("%s is not believed, and nothing is written there", (_where, plant) => {
    configure("spt", monitor(SPT));
    const directory = sptBundle();
    expect(plan(directory).version).toBe("0.12.1");
    forge(forged);
    const { text } = kept();
    expect(plan(directory).version).toBe("0.99.0");
    plant();
    expect(plan(directory).version).toBe("0.12.1");
    expect(kept().text).toBe(text);
  });

  it.each<[string, (path: string, text: string) => void]>([
    ["a file", (path, text) => writeFileSync(path, text)],
    ["a directory", (path) => mkdirSync(path)],
    ["a link to a file", (path) => symlinkSync("/etc/passwd", path)],
    ["an answer of another file", (path, text) => symlinkSync(text.replace(/^\d+/, "1"), path)],
    ["half an answer", (path, text) => symlinkSync(text.slice(0, text.indexOf("\n")), path)],
  ])("that is %s is read anew", (_what, plant) => {
    configure("spt", monitor(SPT));
    const directory = sptBundle();
    expect(plan(directory).version).toBe("0.12.1");
    forge(forged);
    const { path, text } = kept();
    rmSync(path);
    plant(path, text);
    expect(plan(directory).version).toBe("0.12.1");
    expect(plan(directory).version).toBe("0.12.1");
  });

  it("does not pile up", () => {
    const directory = sptBundle();
    mkdirSync(answers(), { recursive: true, mode: 0o700 });
    for (let index = 0; index < 64; index++) symlinkSync("old", join(answers(), `${index}`));
    configure("spt", monitor(SPT));
    expect(plan(directory).version).toBe("0.12.1");
    expect(readdirSync(answers())).toHaveLength(1);
  });
});

describe("a monitor that cannot be used is refused in one form", () => {
  const NODES = "mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9";

  it("because it is not there", () => {
    configure("firecracker", "/nonexistent/firecracker");
    expect(plan(linuxBundle("firecracker")).problems).toContain(
      "firecracker: /nonexistent/firecracker is no program that can be run: install it or change monitors.firecracker.path in the configuration file",
    );
  });

  it.each([
    ["firecracker", "Firecracker v0.25.2\n\nSupported snapshot data format versions: v0.23.0\n", "0.25.2", "1.0.0"],
    ["cloud-hypervisor", "cloud-hypervisor v35.1.0\n", "35.1.0", "36.0.0"],
    ["qemu", "QEMU emulator version 3.1.0 (Debian 1:3.1+dfsg-8+deb10u12)\n", "3.1.0", "4.2.0"],
  ])("because %s is too old", (kind, answer, found, needed) => {
    const path = monitor(answer);
    configure(kind, path);
    const [problem] = plan(linuxBundle(kind)).problems.filter((line) => line.includes("is version"));
    expect(problem).toContain(`${kind}: ${path} is version ${found}, ${needed} or newer is needed for `);
    expect(problem).toMatch(new RegExp(`: install it or set monitors.${kind}.path in the configuration file$`));
  });

  it.each<[string, string, readonly string[], string]>([
    ["it is missing", NODES, [], "openat /dev/kvm: No such file or directory (ENOENT)): load the host's kernel module"],
    ["it is no KVM", `${NODES} && mknod -m 666 /dev/kvm c 1 3`, [], "(ENOTTY)): load the host's kernel module"],
    [
      "it may not be opened",
      `${NODES} && mknod -m 600 /dev/kvm c 1 3`,
      ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
      "openat /dev/kvm: Permission denied (EACCES)): give this user the right to /dev/kvm",
    ],
  ])("because of /dev/kvm: %s", (_why, dev, prefix, expected) => {
    const path = monitor("Firecracker v1.16.1\n\n");
    configure("firecracker", path);
    const directory = linuxBundle("firecracker");
    chmodSync(scratch(), 0o755);
    const [problem, ...others] = plan(directory, dev, prefix).problems;
    expect(others).toEqual([]);
    expect(problem).toContain("firecracker: KVM cannot be used (");
    expect(problem).toContain(expected);
  });
});
