// The web server unikernel behind a veth pair, whose other end is in a namespace too: ping and HTTP without a loss.
import { describe, expect, it } from "vitest";
import { annotation, helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { BIG_PAGE, load, sha256 } from "../lib/http-load.ts";
import { missing } from "../lib/monitor.ts";
import { podAndOutside } from "../lib/network.ts";
import { HTTP_KERNEL } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

const MEMORY = 16 * 1024 * 1024;

interface Way {
  readonly name: string;
  readonly configuration: string;
  readonly monitor: string;
  readonly card: string;
  /** In turn and again at once; fewer where KVM may be emulated itself. */
  readonly requests: number;
  readonly bigRequests: number;
  /** Why it is left out here. */
  readonly reason: string | undefined;
}

const qemu = (machine: string, rest: Omit<Way, "name" | "configuration" | "monitor">): Way => ({
  name: `QEMU's ${machine}`,
  configuration: `machine = "${machine}"\n`,
  monitor: "qemu",
  ...rest,
});

const WAYS: readonly Way[] = [
  qemu("pc", { card: "virtio-PCI", requests: 500, bigRequests: 4, reason: undefined }),
  qemu("q35", { card: "virtio-PCI", requests: 500, bigRequests: 4, reason: undefined }),
  {
    name: "Firecracker",
    configuration: "",
    monitor: "firecracker",
    card: "virtio-MMIO",
    requests: 50,
    bigRequests: 1,
    reason: missing("firecracker"),
  },
];

for (const way of WAYS) {
  describe(`the web server on ${way.name}${way.reason === undefined ? "" : ` (skipped: ${way.reason})`}`, () => {
    it.skipIf(way.reason !== undefined)(`answers ping and ${2 * way.requests} requests without a loss`, async () => {
      const { pod, outside } = podAndOutside();
      const before = pod.describe();

      const runtime = urunc(way.configuration);
      const bundle = helloBundle({
        kernel: HTTP_KERNEL,
        args: ["http"],
        memoryLimit: MEMORY,
        annotations: { [annotation("hypervisor")]: way.monitor },
        namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: pod.path } : entry)),
      });
      const { outcome } = runtime.create("web", bundle);
      succeed(runtime.verb("start", "web"));
      await until("the guest serves", () => outcome.stdout().includes("serving on port 80"), 40_000);
      expect(outcome.stdout()).toContain(way.card);
      expect(outcome.stdout()).toContain("address=10.9.8.7/24");

      const url = "http://10.9.8.7";
      expect(outside.inside("busybox", "ping", "-c", "10", "-i", "0.1", "10.9.8.7")).toContain(" 0% packet loss");
      expect(outside.inside("busybox", "ping", "-c", "2", "-s", "1472", "10.9.8.7")).toContain(" 0% packet loss");
      const page = outside.inside("busybox", "wget", "-q", "-Y", "off", "-O", "-", `${url}/`);
      expect(page).toContain("Served by a unikernel");
      const small = sha256(page);
      expect(load(outside, `${url}/`, way.requests, 1)).toEqual({ [small]: way.requests });
      expect(load(outside, `${url}/`, way.requests, 32)).toEqual({ [small]: way.requests });
      expect(load(outside, `${url}/big`, way.bigRequests, 4)).toEqual({ [BIG_PAGE]: way.bigRequests });
      expect(() => outside.inside("busybox", "wget", "-q", "-Y", "off", "-O", "-", `${url}/none`)).toThrow(/404/);

      succeed(runtime.verb("delete", "--force", "web"));
      expect(pod.describe(before)).toBe(before);
    });
  });
}
