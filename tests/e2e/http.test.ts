// The web server unikernel behind a veth pair, whose other end is in a namespace too: ping and HTTP without a loss.
import { describe, expect, it } from "vitest";
import { helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { BIG_PAGE, load, sha256 } from "../lib/http-load.ts";
import { networkNamespace } from "../lib/network.ts";
import { HTTP_KERNEL } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

for (const machine of ["pc", "q35"]) {
  describe(`the web server on QEMU's ${machine}`, () => {
    it("answers ping, 1000 requests in turn and at once, and 1 MiB at once, without a loss", async () => {
      const pod = networkNamespace("pod");
      const outside = networkNamespace("outside");
      pod.script(
        "ip link add eth0 type veth peer name peer0",
        `ip link set peer0 netns ${outside.path}`,
        "ip link set eth0 up",
        "ip address add 10.9.8.7/24 dev eth0",
        "ip route add default via 10.9.8.1",
      );
      outside.script("ip link set lo up", "ip link set peer0 up", "ip address add 10.9.8.1/24 dev peer0");
      const before = pod.describe();

      const runtime = urunc(`machine = "${machine}"\n`);
      const bundle = helloBundle({
        kernel: HTTP_KERNEL,
        args: ["http"],
        namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: pod.path } : entry)),
      });
      const { outcome } = runtime.create("web", bundle);
      succeed(runtime.verb("start", "web"));
      await until("the guest serves", () => outcome.stdout().includes("serving on port 80"));
      expect(outcome.stdout()).toContain("address=10.9.8.7/24");

      const url = "http://10.9.8.7";
      expect(outside.inside("busybox", "ping", "-c", "10", "-i", "0.1", "10.9.8.7")).toContain(" 0% packet loss");
      expect(outside.inside("busybox", "ping", "-c", "2", "-s", "1472", "10.9.8.7")).toContain(" 0% packet loss");
      const page = outside.inside("busybox", "wget", "-q", "-Y", "off", "-O", "-", `${url}/`);
      expect(page).toContain("Served by a unikernel");
      const small = sha256(page);
      expect(load(outside, `${url}/`, 500, 1)).toEqual({ [small]: 500 });
      expect(load(outside, `${url}/`, 500, 32)).toEqual({ [small]: 500 });
      expect(load(outside, `${url}/big`, 8, 4)).toEqual({ [BIG_PAGE]: 8 });
      expect(() => outside.inside("busybox", "wget", "-q", "-Y", "off", "-O", "-", `${url}/none`)).toThrow(/404/);

      succeed(runtime.verb("delete", "--force", "web"));
      expect(pod.describe()).toBe(before);
    });
  });
}
