// Traffic to and from a real guest: Debian's kernel and busybox behind a veth pair, whose other end is in a namespace too.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { type NetworkNamespace, networkNamespace, podAndOutside } from "../lib/network.ts";
import { fetched, linuxBundle, linuxRuntime } from "../lib/network-guest.ts";

const PAGE = "<p>served by a unikernel container</p>\n";
const REQUESTS = 100;
const BOOT_MS = 100_000;

/** So many requests one after the other, all answered with the page. */
function load(network: NetworkNamespace, url: string, page: string, requests: number): void {
  const loop = `n=0; while [ $n -lt ${requests} ]; do busybox wget -q -O - ${url} || exit 1; n=$((n+1)); done`;
  expect(network.inside("sh", "-c", loop)).toBe(page.repeat(requests));
}

describe("a Linux guest", { timeout: 180_000 }, () => {
  it("answers ping and HTTP at its container's address, and reaches its gateway", async () => {
    const { pod, outside } = podAndOutside();
    const before = pod.describe();
    const runtime = linuxRuntime('[network]\ndns = ["10.9.8.1"]\n');
    const script =
      "cat /etc/resolv.conf; echo x >> /etc/resolv.conf || echo refused; ping -c 2 10.9.8.1 && echo gateway answers; exec httpd -f -p 80 -h /www";
    const bundle = linuxBundle({ name: "web", network: pod, script, page: PAGE });
    // As an engine with a resolver of its own makes it for a container that may not write.
    const source = join(scratch(), "resolv.conf");
    writeFileSync(source, "nameserver 127.0.0.11\noptions ndots:0 trust-ad\n");
    addMount(bundle, { destination: "/etc/resolv.conf", type: "bind", source, options: ["rbind", "ro"] });
    const { outcome } = runtime.create("web", bundle);
    succeed(runtime.verb("start", "web"));
    await until("the guest reaches its gateway", () => outcome.stdout().includes("gateway answers"), BOOT_MS);
    const told = outcome.stdout().replaceAll("\r", "");
    expect(told).toMatch(/^nameserver 10\.9\.8\.1\noptions ndots:0\n/);
    expect(told).toContain("refused");
    expect(told).not.toContain("guest-init:");
    const url = "http://10.9.8.7/index.html";
    await until("the guest serves", () => fetched(outside, url) === PAGE);
    load(outside, url, PAGE, REQUESTS);
    expect(outside.inside("busybox", "ping", "-c", "5", "-i", "0.2", "10.9.8.7")).toContain(" 0% packet loss");

    succeed(runtime.verb("delete", "--force", "web"));
    expect(pod.describe(before)).toBe(before);
  });

  it("has both families, two interfaces, an MTU, a gateway outside of its subnet, and the resolver of its container", async () => {
    const pod = networkNamespace("pod", "ipv6");
    const outside = networkNamespace("outside", "ipv6");
    pod.script("ip link set lo up");
    outside.script("ip link set lo up");
    for (const [name, peer, subnet, prefix] of [
      ["net1", "peer1", 1, 24],
      ["eth0", "peer0", 0, 32],
    ] as const) {
      pod.script(
        `ip link add ${name} type veth peer name ${peer}`,
        `ip link set ${peer} netns ${outside.path}`,
        `ip link set ${name} mtu ${1400 + subnet} up`,
        `ip address add 10.9.${subnet}.7/${prefix} dev ${name}`,
        `ip address add fd00:${subnet}::7/64 dev ${name} nodad`,
      );
      outside.script(
        `ip link set ${peer} mtu ${1400 + subnet} up`,
        `ip address add 10.9.${subnet}.1/24 dev ${peer}`,
        `ip address add fd00:${subnet}::1/64 dev ${peer} nodad`,
      );
    }
    pod.script("ip route add 169.254.1.1 dev eth0", "ip route add default via 169.254.1.1 dev eth0");
    pod.script("ip -6 route add default via fd00:0::1");
    outside.script("ip address add 169.254.1.1/32 dev peer0", "ip address add 10.77.0.1/32 dev lo");
    const runtime = linuxRuntime();
    const script =
      "ip address; ip route; ip -6 route; cat /etc/resolv.conf; ping -c 2 10.77.0.1; echo told; exec httpd -f -p 80 -h /www";
    const bundle = linuxBundle({
      name: "web",
      network: pod,
      script,
      page: PAGE,
      annotations: { [annotation("mountRootfs")]: "true" },
    });
    // A file that the containers of a pod share, for writing as Kubernetes mounts it.
    const shared = join(scratch(), "resolv.conf");
    const given = [
      ...["nameserver 127.0.0.53", "nameserver 10.9.0.1", "nameserver fd00::1", "search a.example b.example c.example"],
      ...["options ndots:5 timeout:1", "options rotate $(reboot)", ""],
    ].join("\n");
    writeFileSync(shared, given);
    addMount(bundle, { destination: "/etc/resolv.conf", type: "bind", source: shared, options: ["rbind", "rw"] });
    const { outcome } = runtime.create("web", bundle);
    succeed(runtime.verb("start", "web"));
    await until("the guest tells its addresses", () => outcome.stdout().includes("told"), BOOT_MS);
    for (const url of ["10.9.0.7", "10.9.1.7", "[fd00:0::7]", "[fd00:1::7]"]) {
      await until(`the guest serves at ${url}`, () => fetched(outside, `http://${url}/index.html`) === PAGE);
    }
    const told = outcome.stdout().replaceAll("\r", "");
    expect(told).toMatch(/eth0: .* mtu 1400 /);
    expect(told).toMatch(/net1: .* mtu 1401 /);
    expect(told).toMatch(/inet 10\.9\.0\.7\/32 /);
    expect(told).toMatch(/default via 169\.254\.1\.1 dev eth0/);
    expect(told).toMatch(/default via fd00::1 dev eth0/);
    expect(told).toContain(" 0% packet loss");
    expect(told).toContain(
      [
        ...["search a.example b.example c.example", "nameserver 10.9.0.1", "nameserver fd00::1"],
        "options ndots:5 timeout:1 rotate\n",
      ].join("\n"),
    );
    expect(readFileSync(shared, "utf8")).toBe(given);
    succeed(runtime.verb("delete", "--force", "web"));
    expect(pod.inside("tc", "qdisc", "show")).not.toContain("ingress");
  });

  it("that is the second of its pod reaches the world and is reached at its ports, and the first one does not notice", async () => {
    const { pod, outside } = podAndOutside();
    const before = pod.describe();
    const runtime = linuxRuntime();
    outside.background("busybox", "httpd", "-f", "-p", "10.9.8.1:80", "-h", "/usr/share/common-licenses");
    const first = linuxBundle({
      name: "first",
      network: pod,
      script: "exec httpd -f -p 80 -h /www",
      page: "first\n",
    });
    const second = linuxBundle({
      name: "second",
      network: pod,
      script: "ping -c 2 10.9.8.1 && wget -q -O - http://10.9.8.1/BSD | head -1; exec httpd -f -p 8080 -h /www",
      page: "second\n",
      annotations: { "com.urunc.unikernel.ports": "8080" },
    });
    runtime.create("first", first);
    succeed(runtime.verb("start", "first"));
    const { outcome, pid } = runtime.create("second", second);
    succeed(runtime.verb("start", "second"));
    const [one, two] = ["http://10.9.8.7/index.html", "http://10.9.8.7:8080/index.html"];
    await until("the first one serves", () => fetched(outside, one) === "first\n", BOOT_MS);
    await until("the second one serves", () => fetched(outside, two) === "second\n", BOOT_MS);
    expect(outcome.stdout()).toContain(" 0% packet loss");
    expect(outcome.stdout()).toContain("The Regents of the University of California");
    load(outside, two, "second\n", 20);
    load(outside, one, "first\n", 20);
    expect(outside.inside("busybox", "ping", "-c", "5", "-i", "0.2", "10.9.8.7")).toContain(" 0% packet loss");

    // The second one stays reachable without the first, and what it leaves when it is killed is taken away.
    succeed(runtime.verb("delete", "--force", "first"));
    load(outside, two, "second\n", 5);
    process.kill(pid, "SIGKILL");
    await until("the second one has ended", () => runtime.status("second") === "stopped");
    succeed(runtime.verb("delete", "second"));
    expect(pod.describe(before)).toBe(before);
  });

  it("in static mode stands behind its container's address, and is reached from within the pod", async () => {
    const { pod, outside } = podAndOutside();
    const before = pod.describe();
    const runtime = linuxRuntime();
    const bundle = linuxBundle({
      name: "user",
      network: pod,
      script: "ping -c 2 10.9.8.1 && echo gateway answers; exec httpd -f -p 8080 -h /www",
      page: PAGE,
      annotations: { "io.kubernetes.cri.container-name": "user-container" },
    });
    const { outcome, pid } = runtime.create("user", bundle);
    succeed(runtime.verb("start", "user"));
    await until("the guest reaches its gateway", () => outcome.stdout().includes("gateway answers"), BOOT_MS);
    await until("the guest serves", () => fetched(pod, "http://172.16.1.2:8080/index.html") === PAGE);
    // The namespace's own processes keep the interface, as Knative's queue-proxy does.
    pod.background("busybox", "httpd", "-f", "-p", "9000", "-h", "/usr/share/common-licenses");
    await until("the pod serves", () => fetched(outside, "http://10.9.8.7:9000/BSD").includes("Regents"));
    process.kill(pid, "SIGKILL");
    await until("the guest has ended", () => runtime.status("user") === "stopped");
    succeed(runtime.verb("delete", "user"));
    expect(pod.describe(before)).toBe(before);
  });

  it("on a device without Ethernet frames has its container's address by routes", async () => {
    const pod = networkNamespace("pod");
    const outside = networkNamespace("outside");
    // Without ARP a frame has the device's own address as its destination: both ends have the same.
    const mac = "02:00:00:00:00:99";
    pod.script(
      "ip link set lo up",
      `ip link add eth0 address ${mac} type veth peer name peer0 address ${mac}`,
      `ip link set peer0 netns ${outside.path}`,
      "ip link set eth0 arp off up",
      "ip address add 10.9.8.7/32 dev eth0",
      "ip route add default dev eth0",
    );
    outside.script(
      "ip link set lo up",
      "ip link set peer0 arp off up",
      "ip address add 10.9.8.1/24 dev peer0",
      "ip address add 10.77.0.1/32 dev lo",
    );
    const before = pod.describe();
    const runtime = linuxRuntime();
    const script =
      "ip address; ping -c 2 10.9.8.1 && ping -c 2 10.77.0.1 && echo both answer; exec httpd -f -p 80 -h /www";
    const { outcome } = runtime.create("web", linuxBundle({ name: "web", network: pod, script, page: PAGE }));
    succeed(runtime.verb("start", "web"));
    await until("the guest reaches its neighbours", () => outcome.stdout().includes("both answer"), BOOT_MS);
    expect(outcome.stdout()).toContain("inet 10.9.8.7/32");
    const url = "http://10.9.8.7/index.html";
    await until("the guest serves", () => fetched(outside, url) === PAGE);
    load(outside, url, PAGE, 20);
    expect(outside.inside("busybox", "ping", "-c", "5", "-i", "0.2", "10.9.8.7")).toContain(" 0% packet loss");
    succeed(runtime.verb("delete", "--force", "web"));
    expect(pod.describe(before)).toBe(before);
  });
});
