// The guest's network in namespaces of the test's own: what the kernel has after each step, as iproute2 tells it.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, type BundleOptions, helloBundle, KERNEL, NAMESPACES } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { commandLine, isAlive, openFiles } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { parseJson, text } from "../lib/json.ts";
import { lightRuntime } from "../lib/light.ts";
import { type NetworkNamespace, networkNamespace } from "../lib/network.ts";
import { tapBundleIn } from "../lib/peer.ts";
import { type Created, type Runtime, urunc } from "../lib/runtime.ts";
import { missingSolo5, SOLO5_GUESTS } from "../lib/solo5.ts";

const MAC = "0a:58:0a:04:00:05";

/** A pod's namespace as CNI leaves it: one end of a veth pair of an odd name, an address and a default route. */
function podNetwork(name = "pod"): NetworkNamespace {
  const network = networkNamespace(name);
  network.script(
    "ip link set lo up",
    `ip link add net7 address ${MAC} type veth peer name peer7`,
    "ip link set net7 mtu 1430 up",
    "ip link set peer7 mtu 1430 up",
    "ip address add 10.4.0.5/20 dev net7",
    "ip route add default via 10.4.0.1",
  );
  return network;
}

function bundleIn(network: NetworkNamespace, options: BundleOptions = {}): string {
  const namespaces = NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: network.path } : entry));
  return helloBundle({ args: ["hello", "--stay"], env: [], namespaces, ...options });
}

async function started(runtime: Runtime, id: string, bundle: string): Promise<Created> {
  const created = runtime.create(id, bundle);
  succeed(runtime.verb("start", id));
  await until("the guest ticks", () => created.outcome.stdout().includes("tick 1"));
  return created;
}

function logged(runtime: Runtime): readonly string[] {
  const lines = readFileSync(runtime.log, "utf8").trimEnd().split("\n");
  return lines.filter((line) => line !== "").map((line) => text(parseJson(line), "msg"));
}

/** Name of the one tap in the namespace. */
function tapOf(network: NetworkNamespace): string {
  return /^\d+: (u[0-9a-f]{8}):/m.exec(network.inside("ip", "-o", "link", "show"))?.[1] ?? "no tap";
}

function filters(network: NetworkNamespace, link: string): string {
  return network.inside("tc", "filter", "show", "dev", link, "ingress");
}

function withoutCookie(listing: string): string {
  return listing.replace(/^\tcookie .*\n/gm, "");
}

async function killed(created: Created): Promise<void> {
  process.kill(created.pid, "SIGKILL");
  await until("the monitor has ended", () => !isAlive(created.pid));
}

describe("a guest in a network namespace", () => {
  it("takes over the interface of the default route, and the log says so", async () => {
    const network = podNetwork();
    const runtime = urunc();
    const { pid, outcome } = await started(runtime, "guest", bundleIn(network));
    expect(outcome.stdout()).toContain("netdev.ip=10.4.0.5/20:10.4.0.1:::test ");
    const options = commandLine(pid);
    expect(options[options.indexOf("-netdev") + 1]).toMatch(/^tap,id=net0,fd=\d+$/);
    const device = options.find((option) => option.startsWith("virtio-net-pci,netdev=net0,"));
    expect(device?.split(",")).toEqual(expect.arrayContaining([`mac=${MAC}`, "host_mtu=1430"]));
    expect(openFiles(pid).filter((name) => name.endsWith("/tun"))).toHaveLength(1);
    expect(logged(runtime)).toContainEqual(
      `The guest has the network of net7: 10.4.0.5/20 gateway 10.4.0.1, ${MAC}, MTU 1430, by ${tapOf(network)}`,
    );
  });

  it("is connected as ip and tc would do it", async () => {
    const network = podNetwork();
    const runtime = urunc();
    await started(runtime, "guest", bundleIn(network, { user: { uid: 1234, gid: 4321 } }));
    const tap = tapOf(network);
    const device = network.inside("ip", "-d", "-o", "link", "show", tap);
    expect(device).toMatch(/<BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1430 /);
    expect(device).toContain("tun type tap pi off vnet_hdr on persist off user 1234 group 4321");

    const model = podNetwork("model");
    model.script(
      `ip tuntap add mode tap name ${tap}`,
      `ip link set ${tap} mtu 1430 up`,
      "tc qdisc add dev net7 ingress",
      `tc qdisc add dev ${tap} ingress`,
      `tc filter add dev ${tap} parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev net7`,
      `tc filter add dev net7 parent ffff: protocol all u32 match u32 0 0 action mirred egress redirect dev ${tap}`,
    );
    expect(network.inside("tc", "qdisc", "show")).toBe(model.inside("tc", "qdisc", "show"));
    for (const link of ["net7", tap]) {
      expect(withoutCookie(filters(network, link))).toBe(filters(model, link));
    }
  });

  it("leaves the namespace as it was after delete, and after a monitor that was killed", async () => {
    const network = podNetwork();
    // As interfaces of CNI's bridge plugin are.
    network.script("ip link set net7 txqueuelen 0");
    const before = network.describe();
    const runtime = urunc();
    for (const id of ["first", "second"]) {
      const created = await started(runtime, id, bundleIn(network, { name: id }));
      expect(network.describe()).not.toBe(before);
      if (id === "first") await killed(created);
      succeed(runtime.verb("delete", "--force", id));
      expect(network.describe(before)).toBe(before);
    }
  });

  it("is not in the way of the next one when it was killed, nor is its delete", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = urunc();
    await killed(await started(runtime, "old", bundleIn(network, { name: "old" })));
    await started(runtime, "new", bundleIn(network, { name: "new" }));
    const connected = network.describe();
    expect(connected.match(/^filter .*\bterminal\b/gm) ?? connected.match(/action order 1/g)).toHaveLength(2);
    succeed(runtime.verb("delete", "old"));
    expect(network.describe(connected)).toBe(connected);
    succeed(runtime.verb("delete", "--force", "new"));
    expect(network.describe(before)).toBe(before);
  });

  it("keeps its interface when a second one comes, which gets a subnet of its own", async () => {
    const network = podNetwork();
    const runtime = urunc();
    await started(runtime, "one", bundleIn(network, { name: "one" }));
    const redirections = () => filters(network, "net7").match(/Egress Redirect to device u[0-9a-f]{8}/g);
    const before = redirections();
    const { outcome } = await started(runtime, "two", bundleIn(network, { name: "two" }));
    expect(outcome.stdout()).toContain("netdev.ip=172.16.1.2/24:172.16.1.1:::test ");
    expect(redirections()).toEqual(before);
    expect(logged(runtime)).toContainEqual(
      expect.stringContaining("a private subnet behind net7, which another unikernel has"),
    );
  });

  it("leaves alone what others have put on the interface", async () => {
    const network = podNetwork();
    network.script(
      "tc qdisc add dev net7 ingress",
      "tc filter add dev net7 parent ffff: protocol ip prio 7 u32 match ip dport 9999 0xffff flowid 1:1",
    );
    const before = network.describe();
    const runtime = urunc();
    await started(runtime, "guest", bundleIn(network));
    expect(filters(network, "net7")).toContain("Egress Redirect");
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(network.describe(before)).toBe(before);
  });

  it("is connected where others have put a discipline of both sides", async () => {
    const network = podNetwork();
    network.script("tc qdisc add dev net7 clsact");
    const before = network.describe();
    const runtime = urunc();
    await started(runtime, "guest", bundleIn(network));
    expect(filters(network, "net7")).toContain("Egress Redirect");
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(network.describe(before)).toBe(before);
  });

  it("is told the name servers of the container, without those it cannot reach", async () => {
    const network = podNetwork();
    const bundle = bundleIn(network);
    const source = join(scratch(), "resolv.conf");
    writeFileSync(source, "search example\nnameserver 127.0.0.11\nnameserver 10.96.0.10\n");
    addMount(bundle, { destination: "/etc/resolv.conf", type: "bind", source, options: ["rbind", "ro"] });
    const runtime = urunc();
    const { outcome } = await started(runtime, "guest", bundle);
    expect(outcome.stdout()).toContain("netdev.ip=10.4.0.5/20:10.4.0.1:10.96.0.10::test:example ");
    expect(logged(runtime)).toContainEqual(expect.stringContaining("name server 127.0.0.11 is left out"));
  });

  it.each([
    [
      "neither route nor address",
      ["ip address flush dev net7"],
      "neither a default route nor an interface with an address (interfaces: peer7, net7)",
    ],
    [
      "a device without frames",
      [
        "ip address flush dev net7",
        "ip tuntap add mode tun name tun3",
        "ip link set tun3 up",
        "ip route add default dev tun3",
      ],
      "tun3 carries no Ethernet frames and has no IPv4 address",
    ],
  ])("runs without nic where there is %s, and the log says why", async (_name, lines, reason) => {
    const network = podNetwork();
    network.script(...lines);
    const before = network.describe();
    const runtime = urunc();
    const { pid } = await started(runtime, "guest", bundleIn(network));
    expect(commandLine(pid)).toContain("none");
    expect(network.describe(before)).toBe(before);
    expect(logged(runtime)).toContainEqual(expect.stringContaining(reason));
  });

  it("leaves the host's network alone where the container shares it", async () => {
    const runtime = urunc();
    const namespaces = NAMESPACES.filter(({ type }) => type !== "network");
    await started(runtime, "guest", helloBundle({ args: ["hello", "--stay"], namespaces }));
    await started(
      runtime,
      "joined",
      helloBundle({
        name: "joined",
        args: ["hello", "--stay"],
        namespaces: [...namespaces, { type: "network", path: "/proc/self/ns/net" }],
      }),
    );
    expect(logged(runtime).filter((line) => line.includes("shares the host's network"))).toHaveLength(2);
  });

  it("is not started when its network cannot be made, and leaves nothing", async () => {
    const network = podNetwork();
    const bundle = bundleIn(network, { args: ["hello", "x".repeat(131_040)] });
    const before = network.describe();
    const runtime = urunc();
    runtime.create("guest", bundle);
    const outcome = runtime.verb("start", "guest");
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toContain("longer than an argument of a program may be");
    expect(network.describe(before)).toBe(before);
  });
});

describe("a tap that outlives its monitor", () => {
  it("makes room at once for that of the next container of the same name", () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = lightRuntime();
    const bundle = tapBundleIn(network, "light");
    for (let round = 0; round < 5; round++) {
      runtime.create("guest", bundle);
      succeed(runtime.verb("start", "guest"));
      expect(filters(network, "net7")).toContain(`Egress Redirect to device ${tapOf(network)}`);
      succeed(runtime.verb("delete", "--force", "guest"));
    }
    expect(network.describe(before)).toBe(before);
  });

  it("goes with delete though somebody has it still", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = lightRuntime();
    runtime.create("guest", tapBundleIn(network, "light"));
    succeed(runtime.verb("start", "guest"));
    const tap = tapOf(network);
    const device = `tap,id=net0,ifname=${tap},script=no,downscript=no`;
    network.background("qemu-system-x86_64", "-machine", "none", "-display", "none", "-netdev", device);
    await until("somebody has it", () => network.inside("ip", "link", "show", tap).includes("LOWER_UP"));
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(network.describe()).toBe(before);
  });
});

for (const monitor of ["hvt", "spt"]) {
  const reason = missingSolo5(monitor, "test_net");
  describe(`a guest of Solo5 ${monitor}${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
    it.skipIf(reason !== undefined)("answers ping as another user, and its tap goes with delete", async () => {
      const network = networkNamespace("solo5");
      network.script(
        "ip link set lo up",
        "ip link add net7 type veth peer name peer7",
        "ip link set net7 up",
        "ip link set peer7 up",
        "ip address add 10.0.0.1/24 dev peer7",
        // The guest has an address of its own and knows no words for one, so its interface has none.
        "ip route add default dev net7 metric 500",
      );
      const before = network.describe();
      const bundle = bundleIn(network, {
        args: ["verbose"],
        user: { uid: 65534, gid: 65534 },
        // The tenders look for their tap with system calls that nothing else of theirs needs.
        seccomp: true,
        annotations: {
          [annotation("unikernelType")]: "mirage",
          [annotation("hypervisor")]: monitor,
          [annotation("solo5NetDev")]: "service0",
        },
      });
      copyFileSync(join(SOLO5_GUESTS, `test_net.${monitor}`), join(bundle, "rootfs", KERNEL));
      const runtime = urunc();
      const created = runtime.create("guest", bundle);
      succeed(runtime.verb("start", "guest"));
      await until("the guest serves", () => created.outcome.stdout().includes("Serving ping"));
      expect(network.inside("busybox", "ping", "-A", "-c", "50", "-W", "1", "10.0.0.2")).toContain(" 0% packet loss");
      await killed(created);
      succeed(runtime.verb("delete", "guest"));
      expect(network.describe(before)).toBe(before);
    });
  });
}
