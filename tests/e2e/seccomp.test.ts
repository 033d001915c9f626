// What a monitor may ask of the kernel: a program that tries what is forbidden stands in for each of them. That they can
// do their work is shown by all the other tests, whose bundles have a profile as container engines give one.
import { accessSync, constants, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, type BundleOptions, helloBundle, KERNEL, putFile } from "../lib/bundle.ts";
import { scratch } from "../lib/hygiene.ts";
import { faultIn } from "../lib/inject.ts";
import { hermitFile, solo5File } from "../lib/kernels.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { HELPERS } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

const ENOSYS = "38";
const BY_BUNDLE = '[runtime]\nseccomp = "bundle"\n';

const MONITORS: Readonly<Record<string, { readonly guest: string; readonly needsKvm: boolean }>> = {
  qemu: { guest: "unikraft", needsKvm: false },
  spt: { guest: "mirage", needsKvm: false },
  hvt: { guest: "mirage", needsKvm: true },
  firecracker: { guest: "unikraft", needsKvm: true },
  "cloud-hypervisor": { guest: "linux", needsKvm: true },
  "hyperlight-unikraft": { guest: "unikraft", needsKvm: true },
  uhyve: { guest: "hermit", needsKvm: true },
};

function hasKvm(): boolean {
  try {
    accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs the program in the monitor's place: its lines as name and errno, and how it ended. */
async function probe(monitor: string, options: BundleOptions = {}, configuration = "") {
  const { guest = "" } = MONITORS[monitor] ?? {};
  const runtime = urunc();
  const program = `path = "${join(HELPERS, "forbidden")}"\n`;
  const table = monitor === "qemu" ? `[monitors.qemu]\naccel = "tcg"\n` : `[monitors.${monitor}]\n`;
  writeFileSync(join(scratch(), "config.toml"), `${table}${program}${configuration}`);
  const bundle = helloBundle({
    args: guest === "linux" ? ["/init"] : ["hello"],
    ...options,
    annotations: { [annotation("hypervisor")]: monitor, [annotation("unikernelType")]: guest },
  });
  if (monitor === "hvt" || monitor === "spt") putFile(bundle, KERNEL, solo5File(monitor));
  if (monitor === "uhyve") putFile(bundle, KERNEL, hermitFile());
  const running = runtime.begin("run", "--bundle", bundle, "probe");
  const status = await running.ended();
  const lines = running.stdout().trimEnd().split("\n");
  const results = new Map(
    lines.slice(0, -1).map((line) => {
      const [name = "", errno = ""] = line.split(" ");
      return [name, errno];
    }),
  );
  return { status, last: lines.at(-1), results };
}

describe("the system call filter", () => {
  for (const [monitor, { needsKvm }] of Object.entries(MONITORS)) {
    it.skipIf(needsKvm && !hasKvm()).each([
      ["with a profile", true],
      ["without one, as under Kubernetes", false],
    ])(`of ${monitor} lets no forbidden call through, for a bundle %s`, async (_, seccomp) => {
      const { status, last, results } = await probe(monitor, { seccomp });
      expect(results.get("thread")).toBe("0");
      expect(last).toBe("end");
      const allowed = [...results].filter(([, errno]) => errno !== ENOSYS).map(([name]) => name);
      expect(allowed).toEqual(["thread"]);
      expect(results.size).toBeGreaterThan(45);
      if (process.arch === "x64") expect(status).toBe(128 + 31);
    });
  }

  it("makes start fail where the kernel refuses it, and says so", async () => {
    const runtime = lightRuntime();
    const { pid } = runtime.create("refused", lightBundle("refused"));
    const tracer = await faultIn(pid, { call: "seccomp", nth: 1, at: 0, text: "" }, "error=EPERM");
    expect(runtime.verb("start", "refused").status).toBe(1);
    expect(runtime.lastError()).toMatch(/system call filter of spt.*EPERM.*CONFIG_SECCOMP_FILTER.*denies seccomp/);
    await tracer.ended();
    expect(runtime.status("refused")).toBe("stopped");
  });

  it("is there where the configuration leaves it to a bundle that has a profile", async () => {
    const { results } = await probe("qemu", {}, BY_BUNDLE);
    expect(results.get("unshare-user")).toBe(ENOSYS);
  });

  it("is not there where the configuration leaves it to a bundle without a profile", async () => {
    const { status, results } = await probe("qemu", { seccomp: false }, BY_BUNDLE);
    expect(results.get("unshare-user")).not.toBe(ENOSYS);
    expect(results.get("socket-inet6")).toBe("0");
    expect(status).toBe(0);
  });
});
