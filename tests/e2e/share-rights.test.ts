// What a guest may do to the files of its share, beside what a process of runc may with the same bundle.
import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, putFile, USUAL_CAPABILITIES } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { descendants } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { type Runtime, runc } from "../lib/runtime.ts";

const { URUNC_TEST_VIRTIOFSD } = process.env;
const SERVERS = ["", ...(URUNC_TEST_VIRTIOFSD === undefined ? [] : [URUNC_TEST_VIRTIOFSD])];

/** Each is tried and told with its exit status. */
const ACTS: readonly string[] = [
  "chown 12:34 mine",
  "chown 0:0 others",
  "chmod 4755 own-suid",
  "chmod 4755 others",
  "mknod disk b 7 0",
  "mknod null c 1 3",
  "mkfifo pipe",
  "ln others link",
  "cat secret",
  "cp mine secret",
  "touch secret",
  "rm -f in-others/file",
];

function script(): string {
  return `cd /data; ${ACTS.map((act) => `busybox ${act} > /dev/null; echo "${act}: $?"`).join("; ")}`;
}

let cloud: LinuxKernel;
beforeAll(() => {
  cloud = debianKernel();
});

function bundleOf(kernel: LinuxKernel, name: string, names: readonly string[], text = script()): string {
  const annotations = { [annotation("mountRootfs")]: "true" };
  const bundle = linuxBundle(kernel, text, { capabilities: names, writable: true, annotations, name });
  for (const file of ["mine", "others", "own-suid", "secret", "in-others/file"])
    putFile(bundle, `data/${file}`, "text");
  const place = (file: string) => join(bundle, "rootfs/data", file);
  for (const file of ["others", "secret", "in-others"]) chownSync(place(file), 1000, 1000);
  chmodSync(place("secret"), 0o600);
  mkdirSync(place("empty"));
  return bundle;
}

/** What is there afterwards, with types, modes, owners and device numbers. */
function traces(bundle: string): readonly string[] {
  const directory = join(bundle, "rootfs/data");
  // Node 18 takes a device node for a directory when it lists recursively.
  return succeed(run(scratch(), ["find", directory, "-mindepth", "1", "-printf", "%P\\n"]))
    .stdout()
    .trimEnd()
    .split("\n")
    .sort()
    .map((name) => {
      const { mode, uid, gid, rdev, nlink } = lstatSync(join(directory, name));
      return `${name} ${mode.toString(8)} ${uid}:${gid} ${rdev} ${nlink}`;
    });
}

async function acted(runtime: Runtime, bundle: string): Promise<readonly string[]> {
  const lines = await linesOf(runtime, bundle, "rights");
  return [...lines.filter((line) => ACTS.some((act) => line.startsWith(`${act}: `))), ...traces(bundle)];
}

function statusOf(pid: number, key: string): bigint {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return BigInt(`0x${new RegExp(`^${key}:\\s*([0-9a-f]+)$`, "m").exec(text)?.[1] ?? ""}`);
}

describe.each([
  ["all dropped", []],
  ["an engine's usual capabilities", USUAL_CAPABILITIES],
  ["all but MKNOD and CHOWN", USUAL_CAPABILITIES.filter((name) => !/MKNOD|CHOWN/.test(name))],
])("with %s a guest of virtiofs", (_, names) => {
  it.each(SERVERS)("may do to the files what a process of runc may %s", async (path) => {
    const runtime = linuxRuntime(cloud, path === "" ? "" : `[extra_binaries.virtiofsd]\npath = "${path}"\n`);
    const ours = await acted(runtime, bundleOf(cloud, "ours", names));
    expect(ours).toEqual(await acted(runc(), bundleOf(cloud, "runcs", names)));
  });
});

describe("the server of a share", () => {
  it.each(SERVERS)("has the bundle's capabilities only, a filter, and of /proc what it needs %s", async (path) => {
    const runtime = linuxRuntime(cloud, path === "" ? "" : `[extra_binaries.virtiofsd]\npath = "${path}"\n`);
    const { pid, outcome } = runtime.create("server", bundleOf(cloud, "ours", ["CAP_CHOWN"], "echo up; sleep 60"));
    expect(runtime.verb("start", "server").status).toBe(0);
    await until("the guest is up", () => outcome.stdout().includes("up"), 40_000);
    const [server] = descendants(pid);
    const id = server?.pid ?? 0;
    expect(server?.name).toBe("virtiofsd");
    for (const key of ["CapInh", "CapAmb"]) expect(statusOf(id, key), key).toBe(0n);
    for (const key of ["CapPrm", "CapEff", "CapBnd"]) expect(statusOf(id, key) & ~1n, key).toBe(0n);
    expect(readFileSync(`/proc/${id}/status`, "utf8")).toMatch(/^Seccomp_filters:\t[2-9]$/m);
    expect(readdirSync(`/proc/${pid}/root/proc`).sort()).toEqual(["self", "sys"]);
    expect(readdirSync(`/proc/${pid}/root/proc/sys`)).toEqual(["fs"]);
    expect(readdirSync(`/proc/${pid}/root/proc/sys/fs`).sort()).toEqual(["file-max", "nr_open"]);
    expect(
      readdirSync(`/proc/${pid}/root/guest/proc`)
        .filter((name) => !/^\d+$/.test(name))
        .sort(),
    ).toEqual(["self", "thread-self"]);
  });
});

describe("a guest of 9p", () => {
  it("may do no more than a process of runc without capabilities", async () => {
    const full = debianKernel("full");
    const runtime = linuxRuntime(full, '[extra_binaries.virtiofsd]\npath = "/nothing"\n');
    // QEMU makes no pipe for its guest.
    const others = (lines: readonly string[]) => lines.filter((line) => !line.includes("pipe"));
    const ours = await acted(runtime, bundleOf(full, "ours", USUAL_CAPABILITIES));
    expect(others(ours)).toEqual(others(await acted(runc(), bundleOf(full, "runcs", []))));
  });
});
