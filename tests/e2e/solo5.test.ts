// Real Solo5 monitors, where they are installed: see lib/solo5.ts.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, type BundleOptions, helloBundle, KERNEL, putFile } from "../lib/bundle.ts";
import { names } from "../lib/host.ts";
import { urunc } from "../lib/runtime.ts";
import { missingSolo5, SOLO5_GUESTS } from "../lib/solo5.ts";

/** 100 sectors. */
const DISK_SIZE = 51_200;

for (const monitor of ["hvt", "spt"]) {
  const reason = missingSolo5(monitor, "test_hello");
  describe(`Solo5 ${monitor}${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
    const test = (name: string, run: () => Promise<void>) => it.skipIf(reason !== undefined)(name, run);

    /** Runs one of Solo5's test unikernels to its end. */
    async function guest(name: string, options: BundleOptions = {}) {
      const bundle = helloBundle({
        ...options,
        annotations: {
          [annotation("unikernelType")]: "mirage",
          [annotation("hypervisor")]: monitor,
          ...options.annotations,
        },
      });
      copyFileSync(join(SOLO5_GUESTS, `test_${name}.${monitor}`), join(bundle, "rootfs", KERNEL));
      if (options.writable) writeFileSync(join(bundle, "rootfs", "disk"), Buffer.alloc(DISK_SIZE));
      const runtime = urunc();
      const running = runtime.begin("run", "--bundle", bundle, "solo5");
      const status = await running.ended();
      expect(names(runtime.root)).toEqual([]);
      return { status, output: running.stdout(), disk: () => readFileSync(join(bundle, "rootfs", "disk")) };
    }

    test("runs a guest to its end and gives it its arguments", async () => {
      const { status, output } = await guest("hello", { args: ["Hello_Solo5", "two words"] });
      expect(output).toContain("Command line is: 'Hello_Solo5 two\\ words'");
      expect(status).toBe(0);
    });

    test("runs it as another user, with the engine's filter wanted", async () => {
      const user = { uid: 65534, gid: 65534 };
      const { status, output } = await guest("hello", { args: ["Hello_Solo5"], user, seccomp: true });
      expect(output).toContain("SUCCESS");
      expect(status).toBe(0);
    });

    test("gives the exit status of a guest that aborts", async () => {
      const { status, output } = await guest("ssp");
      expect(output).toContain("ABORT");
      expect(status).toBe(255);
    });

    test("attaches the image's block file, which the guest writes", async () => {
      const annotations = {
        [annotation("block")]: "/disk",
        [annotation("blkMntPoint")]: "/data",
        [annotation("solo5BlkDev")]: "storage",
      };
      const { status, output, disk } = await guest("blk", { annotations, writable: true });
      expect(output).toContain("SUCCESS");
      expect(status).toBe(0);
      expect(disk().some((byte) => byte !== 0)).toBe(true);
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
        writable: true,
      });
      copyFileSync(join(SOLO5_GUESTS, `test_blk.${monitor}`), join(bundle, "rootfs", KERNEL));
      putFile(bundle, "disk", Buffer.alloc(1 << 20));
      const running = runtime.begin("run", "--bundle", bundle, "solo5");
      expect(await running.ended()).toBe(0);
      expect(running.stdout()).toContain("SUCCESS");
    });

    it.skipIf(reason !== undefined)("cannot start a kernel that declares a nic where there is no network", async () => {
      const runtime = urunc();
      const bundle = helloBundle({
        annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: monitor },
      });
      copyFileSync(join(SOLO5_GUESTS, `test_net.${monitor}`), join(bundle, "rootfs", KERNEL));
      const running = runtime.begin("run", "--bundle", bundle, "net");
      expect(await running.ended()).toBe(1);
      expect(running.stdout() + running.stderr()).toContain("declared but not attached");
    });
  });
}
