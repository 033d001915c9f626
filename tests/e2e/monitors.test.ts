// The hello unikernel on every monitor that can boot it. QEMU's machines run everywhere; Firecracker and Cloud Hypervisor
// where they are in PATH and KVM works.
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { annotation, helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { names } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { missing } from "../lib/monitor.ts";
import { networkNamespace } from "../lib/network.ts";
import { urunc } from "../lib/runtime.ts";
import { connectTo, listenAt } from "../lib/unix-socket.ts";

const MEMORY = 64 * 1024 * 1024;

function expectHello(output: string): void {
  const lines = output.split("\n");
  expect(lines).toContain("hello from a unikernel");
  expect(lines).toContain("argv[0]=one");
  expect(lines).toContain("argv[1]=two words");
  expect(lines).toContain(`memory=${MEMORY} bytes (64 MiB)`);
  expect(lines).toContain("powering off");
}

describe("QEMU", () => {
  for (const machine of ["pc", "q35", "microvm"]) {
    // QEMU's emulation of microvm has been seen to hang before the guest's first output on a busy host.
    const options = machine === "microvm" ? { retry: 2, timeout: 20_000 } : {};
    it(`boots a unikernel on the machine ${machine} and ends with it`, options, async () => {
      const runtime = urunc(`machine = "${machine}"\n`);
      const bundle = helloBundle({ args: ["one", "two words"], memoryLimit: MEMORY });
      const running = runtime.begin("run", "--bundle", bundle, machine);
      expect(await running.ended()).toBe(0);
      expectHello(running.stdout());
      expect(names(runtime.root)).toEqual([]);
    });
  }
});

for (const [monitor, type] of [
  ["firecracker", "unikraft"],
  ["cloud-hypervisor", "linux"],
] as const) {
  const reason = missing(monitor);
  describe(`${monitor}${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
    it.skipIf(reason !== undefined)("boots a unikernel and ends with it", async () => {
      const runtime = urunc();
      // For the type linux the first argument is the init, of which the guest gets the rest.
      const args = type === "linux" ? ["/init", "one", "two words"] : ["one", "two words"];
      const bundle = helloBundle({
        args,
        memoryLimit: MEMORY,
        annotations: { [annotation("hypervisor")]: monitor, [annotation("unikernelType")]: type },
      });
      const running = runtime.begin("run", "--bundle", bundle, "monitor");
      expect(await running.ended()).toBe(0);
      expectHello(running.stdout());
      expect(names(runtime.root)).toEqual([]);
    });

    it.skipIf(reason !== undefined)("is killed and deleted", async () => {
      const runtime = urunc();
      const { pid } = runtime.create(
        "kill",
        helloBundle({
          args: type === "linux" ? ["/init", "--stay"] : ["--stay"],
          annotations: { [annotation("hypervisor")]: monitor, [annotation("unikernelType")]: type },
        }),
      );
      expect(runtime.verb("start", "kill").status).toBe(0);
      expect(runtime.status("kill")).toBe("running");
      expect(runtime.state("kill").pid).toBe(pid);
      expect(runtime.verb("delete", "--force", "kill").status).toBe(0);
      expect(names(runtime.root)).toEqual([]);
    });

    it.skipIf(reason !== undefined)("takes SIGTERM as the power button, which this guest does not have", async () => {
      const runtime = urunc(`[monitors.${monitor}]\ngraceful_shutdown = true\n`);
      const bundle = helloBundle({
        args: type === "linux" ? ["/init", "--stay"] : ["--stay"],
        annotations: { [annotation("hypervisor")]: monitor, [annotation("unikernelType")]: type },
      });
      const { pid, outcome } = runtime.create("button", bundle);
      succeed(runtime.verb("start", "button"));
      await until("the guest runs", () => outcome.stdout().includes("hello from a unikernel"));
      succeed(runtime.verb("kill", "button", "TERM"));
      // Had the monitor not taken the request, a warning would say so, and the signal would have ended it.
      expect(readFileSync(runtime.log, "utf8")).not.toContain("Power off");
      await sleep(300);
      expect(runtime.state("button").pid).toBe(pid);
    });

    it.skipIf(reason !== undefined)("has a vsock device, and the agent's socket is beside its own", async () => {
      const directory = join(scratch(), "vaccel");
      mkdirSync(directory);
      const agent = await listenAt(join(directory, "vaccel.sock_77"));
      const runtime = urunc("[runtime]\nvAccel = true\n");
      const bundle = helloBundle({
        args: type === "linux" ? ["/init", "--stay"] : ["--stay"],
        user: { uid: 1000, gid: 1000 },
        annotations: {
          [annotation("hypervisor")]: monitor,
          [annotation("unikernelType")]: type,
          [annotation("vAccel")]: "vsock",
          [annotation("RPCAddress")]: `unix://${directory}/vaccel.sock_77`,
        },
      });
      const { pid, outcome } = runtime.create("vsock", bundle);
      succeed(runtime.verb("start", "vsock"));
      await until("the guest runs", () => outcome.stdout().includes("hello from a unikernel"));
      const area = `/proc/${pid}/root/guest/vsock`;
      expect(names(area)).toEqual(["vaccel.sock", "vaccel.sock_77"]);
      // The monitor's own listens, and the other one is the agent's: neither is a file only.
      await connectTo(`${area}/vaccel.sock`);
      expect(agent.calls()).toBe(0);
      await connectTo(`${area}/vaccel.sock_77`);
      await until("the agent is called", () => agent.calls() === 1);
      succeed(runtime.verb("delete", "--force", "vsock"));
      expect(names(runtime.root)).toEqual([]);
    });

    it.skipIf(reason !== undefined)("is given no socket that a symbolic link leads to", async () => {
      const directory = join(scratch(), "vaccel");
      mkdirSync(directory);
      await listenAt(join(directory, "other.sock"));
      symlinkSync("other.sock", join(directory, "vaccel.sock_77"));
      const bundle = helloBundle({
        annotations: {
          [annotation("hypervisor")]: monitor,
          [annotation("unikernelType")]: type,
          [annotation("vAccel")]: "vsock",
          [annotation("RPCAddress")]: `unix://${directory}/vaccel.sock_77`,
        },
      });
      const runtime = urunc("[runtime]\nvAccel = true\n");
      expect(runtime.verb("create", "--bundle", bundle, "link").status).toBe(1);
      expect(runtime.lastError()).toContain("vaccel.sock_77: Too many levels of symbolic links");
      expect(names(runtime.root)).toEqual([]);
    });

    it.skipIf(reason !== undefined)("opens the tap of its container's interface", async () => {
      const pod = networkNamespace("pod");
      pod.script(
        "ip link add eth0 mtu 1400 type veth peer name peer0",
        "ip link set eth0 up",
        "ip link set peer0 up",
        "ip address add 10.9.8.7/24 dev eth0",
        "ip route add default via 10.9.8.1",
      );
      const before = pod.describe();
      const runtime = urunc();
      const bundle = helloBundle({
        args: type === "linux" ? ["/init", "--stay"] : ["--stay"],
        namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: pod.path } : entry)),
        annotations: { [annotation("hypervisor")]: monitor, [annotation("unikernelType")]: type },
        user: { uid: 0, gid: 0 },
      });
      const { outcome } = runtime.create("net", bundle);
      succeed(runtime.verb("start", "net"));
      const taps = (): string => pod.inside("ip", "-o", "link", "show", "type", "tun");
      await until("the tap has a carrier", () => /LOWER_UP.* mtu 1400 /.test(taps()));
      await until("the guest runs", () => outcome.stdout().includes("hello from a unikernel"));
      expect(runtime.status("net")).toBe("running");
      succeed(runtime.verb("delete", "--force", "net"));
      expect(pod.describe(before)).toBe(before);
    });
  });
}
