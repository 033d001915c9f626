// Real Solo5 monitors, where they are installed: URUNC_TEST_SOLO5_GUESTS names a directory with Solo5's own test
// unikernels (test_hello.hvt, test_hello.spt).
import { spawnSync } from "node:child_process";
import { accessSync, constants, copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, helloBundle, KERNEL, putFile } from "../lib/bundle.ts";
import { names } from "../lib/host.ts";
import { urunc } from "../lib/runtime.ts";

const GUESTS = process.env.URUNC_TEST_SOLO5_GUESTS ?? "";

function missing(monitor: string): string | undefined {
  if (spawnSync("sh", ["-c", `command -v solo5-${monitor}`]).status !== 0) {
    return `solo5-${monitor} is not in PATH`;
  }
  if (!existsSync(join(GUESTS, `test_hello.${monitor}`))) {
    return `URUNC_TEST_SOLO5_GUESTS names no directory with test_hello.${monitor}`;
  }
  if (monitor === "hvt") {
    try {
      accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    } catch {
      return "/dev/kvm cannot be opened";
    }
  }
  return undefined;
}

for (const monitor of ["hvt", "spt"]) {
  const reason = missing(monitor);
  describe(`Solo5 ${monitor}${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
    it.skipIf(reason !== undefined)("runs Solo5's own hello to the end with its exit status", async () => {
      const runtime = urunc();
      const bundle = helloBundle({
        args: ["Hello_Solo5"],
        annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: monitor },
      });
      copyFileSync(join(GUESTS, `test_hello.${monitor}`), join(bundle, "rootfs", KERNEL));
      const running = runtime.begin("run", "--bundle", bundle, "solo5");
      expect(await running.ended()).toBe(0);
      expect(running.stdout()).toContain("Hello, World");
      expect(names(runtime.root)).toEqual([]);
    });

    it.skipIf(reason !== undefined)("attaches the disk under the name of the kernel's manifest", async () => {
      const runtime = urunc();
      // As rumprun the usual name would be another one.
      const bundle = helloBundle({
        annotations: {
          [annotation("unikernelType")]: "rumprun",
          [annotation("hypervisor")]: monitor,
          [annotation("block")]: "/disk",
          [annotation("blkMntPoint")]: "/data",
        },
        readonly: false,
      });
      copyFileSync(join(GUESTS, `test_blk.${monitor}`), join(bundle, "rootfs", KERNEL));
      putFile(bundle, "disk", Buffer.alloc(1 << 20));
      const running = runtime.begin("run", "--bundle", bundle, "solo5");
      expect(await running.ended()).toBe(0);
      expect(running.stdout()).toContain("SUCCESS");
    });

    it.skipIf(reason !== undefined)("refuses a kernel that declares a network device", () => {
      const runtime = urunc();
      const bundle = helloBundle({
        annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: monitor },
      });
      copyFileSync(join(GUESTS, `test_net.${monitor}`), join(bundle, "rootfs", KERNEL));
      expect(runtime.verb("create", "--bundle", bundle, "net").status).toBe(1);
      expect(runtime.lastError()).toContain("service0 for the network");
    });
  });
}
