// The image's file system is the attacker's: links in it to places of the host.
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, helloBundle } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { atEnd, leftovers, scratch } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { urunc } from "../lib/runtime.ts";

/** Everything below a directory with what would change if it were written to. */
function listing(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .sort()
    .map((name) => {
      const { mode, ino, size, mtimeMs, ctimeMs } = lstatSync(join(directory, name));
      return [name, mode, ino, size, mtimeMs, ctimeMs].join(" ");
    });
}

/** A directory that stands for the host's. */
function hostDirectory(): string {
  const host = join(scratch(), "host");
  mkdirSync(join(host, "sub"), { recursive: true });
  writeFileSync(join(host, "file"), "of the host\n");
  return host;
}

// CVE-2019-16884, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642 (runc), CVE-2026-41579 (runc), CVE-2026-47766 (crun): a
// runtime that mounts or makes nodes at /proc, /sys or /dev of the rootfs by name writes to the link's target.
describe("a directory of the rootfs that is a link to the host", () => {
  it.each(["proc", "sys", "dev", "tmp", "etc", "usr"])("/%s: nothing of the host is touched", (name) => {
    const host = hostDirectory();
    const before = listing(host);
    const bundle = lightBundle();
    symlinkSync(host, join(bundle, "rootfs", name));
    const image = listing(join(bundle, "rootfs"));
    const runtime = lightRuntime();
    const { pid } = runtime.create("linked", bundle);
    succeed(runtime.verb("start", "linked"));
    expect(listing(host)).toEqual(before);
    expect(listing(join(bundle, "rootfs"))).toEqual(image);
    const mounts = readFileSync(`/proc/${pid}/mountinfo`, "utf8");
    expect(mounts).not.toContain(host);
    expect(existsSync(`/proc/${pid}/root/${name}/file`)).toBe(false);
  });

  it("/dev/null -> a file of the host (CVE-2025-31133): the monitor's /dev/null is the device", () => {
    const target = join(scratch(), "core_pattern");
    writeFileSync(target, "kept\n");
    const bundle = lightBundle();
    mkdirSync(join(bundle, "rootfs", "dev"));
    symlinkSync(target, join(bundle, "rootfs", "dev", "null"));
    const runtime = lightRuntime();
    const { pid } = runtime.create("masked", bundle);
    succeed(runtime.verb("start", "masked"));
    expect(readFileSync(target, "utf8")).toBe("kept\n");
    const nodes = names(`/proc/${pid}/root/dev`);
    for (const node of nodes) {
      const { rdev } = lstatSync(`/proc/${pid}/root/dev/${node}`);
      expect(rdev, node).toBe(lstatSync(`/dev/${node}`).rdev);
    }
  });
});

// Opening a device may do something to it: that of a watchdog starts it.
describe("a device node in the place of /urunc.json", () => {
  it("is refused without being opened", () => {
    const runtime = lightRuntime();
    const bundle = lightBundle("device", { annotations: {} });
    succeed(run(scratch(), ["mknod", join(bundle, "rootfs", "urunc.json"), "c", "1", "7"]));
    const log = join(scratch(), "opened");
    const words = [runtime.program, "--root", runtime.root, "create", "--bundle", bundle, "device"];
    const refused = run(scratch(), ["strace", "-qq", "-o", log, "-e", "trace=openat,openat2", ...words]);
    expect(refused.status).toBe(1);
    expect(refused.stderr()).toContain("urunc.json of the image is not a regular file");
    const opened = readFileSync(log, "utf8").split("\n");
    const looks = opened.filter((line) => line.includes('"urunc.json"'));
    expect(looks).toHaveLength(1);
    expect(looks[0]).toMatch(/flags=[A-Z_|]*O_PATH/);
    // config.json was opened by its descriptor before.
    const later = opened.slice(opened.findIndex((line) => line.includes('"urunc.json"')));
    expect(later.filter((line) => line.includes("/proc/self/fd/"))).toEqual([]);
  });
});

// CVE-2025-24965 (crun, krun handler): files of the image that a monitor is given were found, and written, through links.
describe("a boot file of the image that is a link to the host", () => {
  const secret = () => join(scratch(), "secret");

  it.each([
    ["the kernel", "unikernel/kernel", {}],
    ["the initrd", "unikernel/initrd", { [annotation("initrd")]: "/unikernel/initrd" }],
    [
      "the block file",
      "unikernel/disk",
      { [annotation("block")]: "/unikernel/disk", [annotation("blkMntPoint")]: "/data" },
    ],
  ])("%s is refused, absolute or by dots", (_, path, annotations) => {
    const runtime = urunc();
    for (const [index, target] of [secret(), `../../../../../../..${secret()}`].entries()) {
      const bundle = helloBundle({ name: `b${index}`, annotations, writable: true });
      cpSync(join(bundle, "rootfs", "unikernel", "kernel"), secret());
      rmSync(join(bundle, "rootfs", path), { force: true });
      symlinkSync(target, join(bundle, "rootfs", path));
      const before = lstatSync(secret()).ctimeMs;
      expect(runtime.verb("create", "--bundle", bundle, "linked").status).toBe(1);
      expect(lstatSync(secret()).ctimeMs).toBe(before);
      expect(names(runtime.root)).toEqual([]);
    }
  });

  it("urunc.json is not read", () => {
    const runtime = urunc();
    const bundle = helloBundle({
      annotations: {
        [annotation("unikernelType")]: undefined,
        [annotation("hypervisor")]: undefined,
        [annotation("binary")]: undefined,
      },
    });
    const metadata = { unikernelType: "unikraft", hypervisor: "qemu", binary: "/unikernel/kernel" };
    const encoded = Object.entries(metadata).map(([key, value]) => [
      annotation(key),
      Buffer.from(value).toString("base64"),
    ]);
    writeFileSync(secret(), JSON.stringify(Object.fromEntries(encoded)));
    const place = join(bundle, "rootfs", "urunc.json");
    symlinkSync(secret(), place);
    expect(runtime.verb("plan", "--bundle", bundle).stdout()).not.toContain("unikraft");
    // As a file of the image it makes the bundle a unikernel's.
    rmSync(place);
    cpSync(secret(), place);
    expect(succeed(runtime.verb("plan", "--bundle", bundle)).stdout()).toContain("unikraft");
  });
});

// CVE-2021-30465, CVE-2024-45310 (runc): a path is checked, then opened again by name, and something else is there.
describe("a directory that another process exchanges for a link all the time", () => {
  it("never leads out of the rootfs, nor is anything made on the host", { timeout: 60_000 }, async () => {
    const host = hostDirectory();
    const bundle = lightBundle();
    const rootfs = join(bundle, "rootfs");
    const config = JSON.parse(readFileSync(join(bundle, "config.json"), "utf8"));
    config.annotations[annotation("binary")] = "/swapped/kernel";
    writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
    mkdirSync(join(rootfs, "swapped"));
    cpSync(join(rootfs, "kernel"), join(rootfs, "swapped", "kernel"));
    const ours = readFileSync(join(rootfs, "kernel"));
    writeFileSync(join(host, "kernel"), Buffer.concat([ours, Buffer.from("SECRET")]));
    symlinkSync(host, join(rootfs, "other"));
    const before = listing(host);

    const swapper = join(scratch(), "swap.py");
    // renameat2(RENAME_EXCHANGE): at every moment one of the two is there.
    writeFileSync(
      swapper,
      [
        "import ctypes, sys",
        "libc = ctypes.CDLL(None)",
        "a, b = (p.encode() for p in sys.argv[1:3])",
        "while True: libc.syscall(316 if __import__('platform').machine() == 'x86_64' else 276, -100, a, -100, b, 2)",
      ].join("\n"),
    );
    const swapping = start(scratch(), ["python3", swapper, join(rootfs, "swapped"), join(rootfs, "other")]);
    atEnd(async () => {
      swapping.child.kill("SIGKILL");
      await swapping.ended();
    });
    await until("it swaps", () => lstatSync(join(rootfs, "swapped")).isSymbolicLink());

    const runtime = lightRuntime();
    let started = 0;
    for (let round = 0; round < 40; round += 1) {
      runtime.verb("create", "--bundle", bundle, "race");
      if (runtime.verb("start", "race").status === 0) {
        const { pid } = runtime.state("race");
        expect(readFileSync(`/proc/${pid}/root/guest/kernel`).equals(ours)).toBe(true);
        expect(readFileSync(`/proc/${pid}/mountinfo`, "utf8")).not.toContain(`${host}/`);
        started += 1;
      }
      succeed(runtime.verb("delete", "--force", "race"));
    }
    expect(started).toBeGreaterThan(0);
    expect(listing(host)).toEqual(before);
    expect(leftovers().filter((line) => line.startsWith("mount"))).toEqual([]);
  });
});
