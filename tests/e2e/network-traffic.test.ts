// Traffic to and from a real guest: Debian's kernel and busybox behind a veth pair, whose other end is in a namespace too.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, busyboxBundle, NAMESPACES, putFile } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { cpioOf, debianKernel } from "../lib/linux-kernel.ts";
import { networkNamespace } from "../lib/network.ts";
import { urunc } from "../lib/runtime.ts";

const PAGE = "<p>served by a unikernel container</p>\n";
const REQUESTS = 100;

describe("a Linux guest", () => {
  it("answers ping and HTTP at its container's address, and reaches its gateway", async () => {
    const kernel = debianKernel();
    const pod = networkNamespace("pod");
    const outside = networkNamespace("outside");
    pod.script(
      "ip link set lo up",
      "ip link add eth0 type veth peer name peer0",
      `ip link set peer0 netns ${outside.path}`,
      "ip link set eth0 up",
      "ip address add 10.9.8.7/24 dev eth0",
      "ip route add default via 10.9.8.1",
    );
    outside.script("ip link set lo up", "ip link set peer0 up", "ip address add 10.9.8.1/24 dev peer0");
    const before = pod.describe();

    const runtime = urunc(`[container_boot]\ndirectories = ["${kernel.directory}", "${scratch()}"]\n`);
    const modules = join(scratch(), "modules.initrd");
    writeFileSync(modules, cpioOf(kernel.modules));
    const bundle = busyboxBundle({
      args: ["sh", "-c", "ping -c 2 10.9.8.1 && echo gateway answers; exec httpd -f -p 80 -h /www"],
      namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: pod.path } : entry)),
      annotations: { [annotation("bootKernel")]: kernel.image, [annotation("bootInitrd")]: modules },
    });
    for (const applet of ["ping", "httpd"]) {
      const path = join(bundle, "rootfs", "bin", applet);
      rmSync(path, { force: true });
      symlinkSync("busybox", path);
    }
    mkdirSync(join(bundle, "rootfs", "www"));
    putFile(bundle, "www/index.html", PAGE);

    const { outcome } = runtime.create("web", bundle);
    succeed(runtime.verb("start", "web"));
    await until("the guest reaches its gateway", () => outcome.stdout().includes("gateway answers"), 40_000);
    const url = "http://10.9.8.7/index.html";
    await until("the guest serves", () => {
      try {
        return outside.inside("busybox", "wget", "-q", "-O", "-", url) === PAGE;
      } catch {
        return false;
      }
    });
    const loop = `n=0; while [ $n -lt ${REQUESTS} ]; do busybox wget -q -O - ${url} || exit 1; n=$((n+1)); done`;
    expect(outside.inside("sh", "-c", loop)).toBe(PAGE.repeat(REQUESTS));
    expect(outside.inside("busybox", "ping", "-c", "5", "-i", "0.2", "10.9.8.7")).toContain(" 0% packet loss");

    succeed(runtime.verb("delete", "--force", "web"));
    expect(pod.describe()).toBe(before);
  });
});
