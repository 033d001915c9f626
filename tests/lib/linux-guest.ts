// A Linux guest of an ordinary image, and what it prints.
import { copyFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { annotation, type BundleOptions, busyboxBundle } from "./bundle.ts";
import { scratch } from "./hygiene.ts";
import { cpioOf, type LinuxKernel } from "./linux-kernel.ts";
import { type Runtime, urunc } from "./runtime.ts";

export function addApplets(bundle: string, applets: readonly string[]): string {
  for (const applet of applets) {
    const path = join(bundle, "rootfs", "bin", applet);
    rmSync(path, { force: true });
    symlinkSync("busybox", path);
  }
  return bundle;
}

/** The host's initrd with the kernel's modules. */
export function moduleInitrd(kernel: LinuxKernel): string {
  const path = join(scratch(), "modules.initrd");
  writeFileSync(path, cpioOf(kernel.modules));
  return path;
}

/** An ordinary image to be booted on a kernel of the host, which runs a script of the shell and prints `end`. */
export function linuxBundle(kernel: LinuxKernel, script: string, options: BundleOptions = {}): string {
  const annotations = {
    [annotation("bootKernel")]: kernel.image,
    [annotation("bootInitrd")]: moduleInitrd(kernel),
    ...options.annotations,
  };
  const args = ["sh", "-c", `${script}\necho end`];
  const applets = ["sha256sum", "stat", "mount", "id", "ls", "sync", "chown", "mkdir", "ln", "rm", "find", "dmesg"];
  return addApplets(busyboxBundle({ ...options, args, annotations }), applets);
}

/** An image with a kernel and an init of its own, whose root is to be the device of the rootfs. */
export function ownInitBundle(kernel: LinuxKernel): string {
  const bundle = busyboxBundle({
    args: ["/bin/init"],
    annotations: {
      [annotation("unikernelType")]: "linux",
      [annotation("hypervisor")]: "qemu",
      [annotation("binary")]: "/kernel",
      [annotation("mountRootfs")]: "true",
    },
  });
  copyFileSync(kernel.image, join(bundle, "rootfs", "kernel"));
  return bundle;
}

/** urunc that may take the kernel and what lies in the test's directory. */
export function linuxRuntime(kernel: LinuxKernel, more = "", prefix: readonly string[] = []): Runtime {
  return urunc(`[container_boot]\ndirectories = ["${kernel.directory}", "${scratch()}"]\n${more}`, prefix);
}

/** The lines that a guest prints until its program has ended well. */
export async function linesOf(runtime: Runtime, bundle: string, id = "linux"): Promise<readonly string[]> {
  const running = runtime.begin("run", "--bundle", bundle, id);
  const status = await running.ended();
  const lines = running.stdout().split("\n");
  expect(lines, running.stdout() + running.stderr()).toContain("end");
  expect(status, running.stdout()).toBe(0);
  return lines;
}
