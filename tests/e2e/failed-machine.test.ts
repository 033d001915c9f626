// What the container's status is, and what is told, when a guest's machine fails: panics, triple faults, monitors that
// cannot start. The same guests that end well are in linux.test.ts and unikernel.test.ts.
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, busyboxBundle, helloBundle, putFile } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { reaped, scratch } from "../lib/hygiene.ts";
import { cpioOf, debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

/** The status of `run` that means a failed machine. */
const FAILED = 255;

interface End {
  readonly status: number | string;
  readonly output: string;
  readonly error: string | undefined;
}

async function endOf(runtime: Runtime, bundle: string): Promise<End> {
  const running = runtime.begin("run", "--bundle", bundle, "failing");
  const status = await running.ended();
  expect(names(runtime.root)).toEqual([]);
  return { status, output: running.stdout(), error: runtime.lastError() };
}

/** What an engine sees: how the container's process ended. */
async function endForEngine(runtime: Runtime, id: string, bundle: string): Promise<string> {
  const { pid } = runtime.create(id, bundle);
  succeed(runtime.verb("start", id));
  return await until("the container is reaped", () => reaped(pid), 60_000);
}

describe("a unikernel on QEMU", () => {
  for (const machine of ["pc", "q35"]) {
    for (const end of ["--fault", "--reset", "--panic"]) {
      it(`fails on the machine ${machine} when it ends by ${end}, and its last lines are told`, async () => {
        const runtime = urunc(`machine = "${machine}"\n`);
        const { status, output, error } = await endOf(runtime, helloBundle({ args: ["one", end] }));
        expect(output).toContain("argv[0]=one");
        expect(status).toBe(FAILED);
        expect(error).toMatch(/^The machine of the guest failed: qemu ended with status \d+ .* argv\[1\]=--/);
        expect(error).toContain(`argv[1]=${end}`);
      });
    }
  }

  it("ends with 0 when it powers off, and nothing is told", async () => {
    const { status, output, error } = await endOf(urunc(), helloBundle({ args: ["one"] }));
    expect(output).toContain("powering off");
    expect(status).toBe(0);
    expect(error).toBeUndefined();
  });
});

describe("a Linux guest on QEMU", () => {
  let kernel: LinuxKernel;
  beforeAll(() => {
    kernel = debianKernel();
  });

  /** An ordinary image, to be booted on the host's kernel. */
  function ordinary(script: string, name = "bundle"): string {
    const annotations = { [annotation("bootKernel")]: kernel.image };
    return busyboxBundle({ name, args: ["sh", "-c", script], annotations });
  }

  /** An image with its own kernel, and with an init of its own in an initrd. */
  function ownInit(script: string | undefined): string {
    const annotations = {
      [annotation("unikernelType")]: "linux",
      [annotation("hypervisor")]: "qemu",
      [annotation("binary")]: "/kernel",
      ...(script === undefined ? {} : { [annotation("initrd")]: "/initrd" }),
    };
    const bundle = busyboxBundle({ args: ["/own"], env: [], annotations });
    copyFileSync(kernel.image, join(bundle, "rootfs", "kernel"));
    if (script !== undefined) {
      const archive = cpioOf([
        { name: "bin/busybox", mode: 0o100755, content: readFileSync("/bin/busybox") },
        { name: "own", mode: 0o100755, content: Buffer.from(`#!/bin/busybox sh\n${script}\n`) },
      ]);
      putFile(bundle, "initrd", archive);
    }
    return bundle;
  }

  function containerBoot(): Runtime {
    return urunc(`[container_boot]\ndirectories = ["${kernel.directory}", "${scratch()}"]\n`);
  }

  const CRASH = "echo up; echo c > /proc/sysrq-trigger";

  it("fails when its kernel panics while the program runs, and the panic is told", async () => {
    const { status, output, error } = await endOf(containerBoot(), ordinary(CRASH));
    expect(output).toContain("up");
    expect(status).toBe(FAILED);
    expect(error).toContain("Kernel panic - not syncing: sysrq triggered crash");
  });

  it("has a status for engines that no program ends with", async () => {
    const runtime = containerBoot();
    expect(await endForEngine(runtime, "crash", ordinary(CRASH, "crash"))).toBe("exit 1");
    expect(await endForEngine(runtime, "exit", ordinary("exit 1", "exit"))).toBe("exit 3");
  });

  it("fails when its init ends", async () => {
    const { status, error } = await endOf(urunc(), ownInit("exit 3"));
    expect(status).toBe(FAILED);
    expect(error).toContain("Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000300");
  });

  it("fails when it finds no root", async () => {
    const { status, error } = await endOf(urunc(), ownInit(undefined));
    expect(status).toBe(FAILED);
    expect(error).toContain("Kernel panic - not syncing: VFS: Unable to mount root fs");
  });

  it("ends with 0 when its init powers off", async () => {
    const { status, error } = await endOf(urunc(), ownInit("/bin/busybox poweroff -f"));
    expect(status).toBe(0);
    expect(error).toBeUndefined();
  });
});
