// What is forwarded because a guest has a private subnet, and what is not: a neighbour, the pod with two interfaces, and
// another network behind the second of them.
import { describe, expect, it } from "vitest";
import { annotation } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { udp } from "../lib/frames.ts";
import { faultIn } from "../lib/inject.ts";
import { lightRuntime } from "../lib/light.ts";
import { type NetworkNamespace, networkNamespace } from "../lib/network.ts";
import { openPeer, type Peer, tapBundleIn, tapsOf } from "../lib/peer.ts";
import type { Runtime } from "../lib/runtime.ts";

const POD = "10.4.0.5";
const NEIGHBOUR = "10.4.0.1";
const OTHER = "10.5.0.2";
const GUEST = "172.16.1.2";
const STRANGER = "10.4.0.99";

interface World {
  readonly pod: NetworkNamespace;
  readonly neighbour: NetworkNamespace;
  readonly other: NetworkNamespace;
}

/** @param mac of both ends of the pod's interface, which then has no Ethernet frames. */
function world(mac?: string): World {
  const [pod, neighbour, other] = [networkNamespace("pod"), networkNamespace("neighbour"), networkNamespace("other")];
  const [address, arp] = mac === undefined ? ["", ""] : [` address ${mac}`, " arp off"];
  pod.script(
    "ip link set lo up",
    `ip link add eth0${address} type veth peer name peer0${address}`,
    `ip link set peer0 netns ${neighbour.path}`,
    `ip link set eth0${arp} up`,
    `ip address add ${POD}/24 dev eth0`,
    `ip route add default via ${NEIGHBOUR}`,
    "ip link add net1 type veth peer name peer1",
    `ip link set peer1 netns ${other.path}`,
    "ip link set net1 up",
    "ip address add 10.5.0.5/24 dev net1",
  );
  neighbour.script(
    `ip link set peer0${arp} up`,
    `ip address add ${NEIGHBOUR}/24 dev peer0`,
    `ip route add 172.16.0.0/16 via ${POD}`,
    `ip route add 10.5.0.0/24 via ${POD}`,
  );
  other.script("ip link set peer1 up", `ip address add ${OTHER}/24 dev peer1`);
  for (const network of [neighbour, other]) {
    network.script("nft add table ip seen", "nft add chain ip seen in { type filter hook prerouting priority -400 ; }");
    for (const port of [9000, 9001, 9002]) network.script(`nft add rule ip seen in udp dport ${port} counter`);
  }
  return { pod, neighbour, other };
}

/** How many datagrams for a port have come into a namespace. */
function seen(network: NetworkNamespace, port: number): number {
  const rules = network.inside("nft", "list", "table", "ip", "seen");
  return Number(new RegExp(`dport ${port} counter packets (\\d+)`).exec(rules)?.[1]);
}

/** A datagram from a program in a namespace. */
function say(network: NetworkNamespace, address: string, port: number): void {
  network.inside("bash", "-c", `echo ${port} > /dev/udp/${address}/${port}`);
}

/** Starts a guest in static mode, and takes its end of the tap. */
async function guest(runtime: Runtime, pod: NetworkNamespace, id: string, ports = "", address = GUEST): Promise<Peer> {
  const annotations = { [annotation("networkMode")]: "static", [annotation("ports")]: ports };
  const before = tapsOf(pod);
  runtime.create(id, tapBundleIn(pod, id, annotations));
  succeed(runtime.verb("start", id));
  const tap = tapsOf(pod).find((name) => !before.includes(name)) ?? "";
  const peer = await openPeer(pod, tap);
  pod.script(`ip neighbour replace ${address} lladdr ${peer.mac} dev ${tap} nud permanent`);
  return peer;
}

/** Ports of the datagrams that came to a guest. */
function portsOf(peer: Peer): readonly number[] {
  const datagrams = peer.received().filter((frame) => frame.slice(24, 28) === "0800" && frame.slice(46, 48) === "11");
  return datagrams.map((frame) => Number.parseInt(frame.slice(72, 76), 16));
}

describe("a guest with a private subnet", () => {
  it("is reached at the ports that it declares and at no other, and nothing of that stays", async () => {
    const { pod, neighbour } = world();
    const before = pod.describe();
    const runtime = lightRuntime();
    const peer = await guest(runtime, pod, "guest", "8080/udp");
    for (const address of [GUEST, POD]) for (const port of [22, 8081, 9999]) say(neighbour, address, port);
    say(neighbour, POD, 8080);
    await until("the declared port is reached", () => portsOf(peer).includes(8080));
    expect(portsOf(peer)).toEqual([8080]);
    // The pod's own programs reach all of it.
    say(pod, GUEST, 9999);
    await until("the pod reaches it", () => portsOf(peer).includes(9999));
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(pod.describe(before)).toBe(before);
  });

  it("makes the pod no router between its networks, nor back into the same one", async () => {
    const { pod, neighbour, other } = world();
    const mac = /link\/ether (\S+)/.exec(neighbour.inside("ip", "link", "show", "peer0"))?.[1];
    pod.script(`ip neighbour add 10.4.0.77 lladdr ${mac} dev eth0`);
    neighbour.script(`ip route add 10.4.0.77 via ${POD}`);
    const runtime = lightRuntime();
    await guest(runtime, pod, "guest", "8080/udp");
    say(neighbour, OTHER, 9000);
    say(neighbour, "10.4.0.77", 9001);
    for (const [there, address] of [
      [other, OTHER],
      [neighbour, NEIGHBOUR],
    ] as const) {
      say(pod, address, 9002);
      await until("what came before has been forwarded", () => seen(there, 9002) === 1);
    }
    expect([seen(other, 9000), seen(neighbour, 9001)]).toEqual([0, 0]);
  });

  it("leaves what the pod forwarded before", async () => {
    const { pod, neighbour, other } = world();
    pod.inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    const before = pod.describe();
    const runtime = lightRuntime();
    await guest(runtime, pod, "guest", "8080/udp");
    say(neighbour, OTHER, 9000);
    await until("the pod has forwarded", () => seen(other, 9000) === 1);
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(pod.describe(before)).toBe(before);
  });

  it("sends with its own address only, by its pod's interface only, and nothing to the pod's loopback", async () => {
    const { pod, neighbour, other } = world();
    pod.script("nft add table ip seen", "nft add chain ip seen in { type filter hook input priority -400 ; }");
    pod.script("nft add rule ip seen in udp dport 9000 counter");
    // Somebody has opened the pod to such addresses.
    for (const name of ["route_localnet", "accept_local"]) {
      pod.inside("sh", "-c", `echo 1 > /proc/sys/net/ipv4/conf/all/${name}`);
    }
    const runtime = lightRuntime();
    const peer = await guest(runtime, pod, "guest");
    const to = await peer.ask(GUEST, "172.16.1.1");
    const send = (source: string, destination: string, port: number) =>
      peer.send(udp({ mac: peer.mac, to, source, destination }, port, "x"));
    for (const source of [STRANGER, POD, NEIGHBOUR, "172.16.1.3", "127.0.0.1"]) send(source, NEIGHBOUR, 9000);
    for (const source of [STRANGER, POD]) send(source, POD, 9000);
    send(GUEST, "127.0.0.1", 9000);
    send(GUEST, OTHER, 9000);
    send(GUEST, NEIGHBOUR, 9001);
    await until("the guest is heard", () => seen(neighbour, 9001) === 1);
    expect([pod, neighbour, other].map((network) => seen(network, 9000))).toEqual([0, 0, 0]);
  });

  it("is not started where the kernel has no nftables, and the error says what is needed", async () => {
    const { pod } = world();
    const before = pod.describe();
    const runtime = lightRuntime();
    const annotations = { [annotation("networkMode")]: "static" };
    const { pid } = runtime.create("guest", tapBundleIn(pod, "guest", annotations));
    // The first socket of the init asks for links, the second for tables, the third makes one.
    const step = { call: "socket", nth: 3, at: 0, text: "" };
    const tracer = await faultIn(pid, step, "error=EPROTONOSUPPORT");
    const { status, stderr } = runtime.verb("start", "guest");
    tracer.child.kill("SIGTERM");
    await tracer.ended();
    expect(status).toBe(1);
    expect(stderr()).toMatch(/Add table urunc_\w+: .*EPROTONOSUPPORT.*: load the kernel modules nf_tables, nft_ct/);
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(pod.describe(before)).toBe(before);
  });

  it("is not in the way of another one", async () => {
    const { pod, neighbour } = world();
    const before = pod.describe();
    const runtime = lightRuntime();
    const one = await guest(runtime, pod, "one", "8080/udp");
    const two = await guest(runtime, pod, "two", "8081/udp", "172.16.2.2");
    say(neighbour, POD, 8080);
    say(neighbour, POD, 8081);
    await until("both are reached", () => portsOf(one).includes(8080) && portsOf(two).includes(8081));
    // Nor do they reach each other.
    const to = await one.ask(GUEST, "172.16.1.1");
    one.send(udp({ mac: one.mac, to, source: GUEST, destination: "172.16.2.2" }, 8081, "x"));
    await one.ask(GUEST, "172.16.1.1");
    say(neighbour, POD, 8081);
    await until("the second is reached again", () => portsOf(two).length >= 2);
    expect(portsOf(two)).toEqual([8081, 8081]);
    succeed(runtime.verb("delete", "--force", "one"));
    say(neighbour, POD, 8081);
    await until("the second is reached without the first", () => portsOf(two).length === 3);
    succeed(runtime.verb("delete", "--force", "two"));
    expect(pod.describe(before)).toBe(before);
  });
});

describe("a guest on a device without Ethernet frames", () => {
  it("sends with its own address only and by this device only, and nothing of that stays", async () => {
    const { pod, neighbour, other } = world("02:00:00:00:00:99");
    const before = pod.describe();
    const runtime = lightRuntime();
    runtime.create("guest", tapBundleIn(pod, "guest"));
    succeed(runtime.verb("start", "guest"));
    const peer = await openPeer(pod, tapsOf(pod)[0] ?? "");
    const to = await peer.ask(POD, NEIGHBOUR);
    const send = (source: string, destination: string, port: number) =>
      peer.send(udp({ mac: peer.mac, to, source, destination }, port, "x"));
    send(STRANGER, NEIGHBOUR, 9000);
    send(POD, OTHER, 9000);
    send(POD, NEIGHBOUR, 9001);
    await until("the guest is heard", () => seen(neighbour, 9001) === 1);
    expect([neighbour, other].map((network) => seen(network, 9000))).toEqual([0, 0]);
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(pod.describe(before)).toBe(before);
  });
});
