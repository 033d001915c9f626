// What a guest may send to change the network of its pod, and what becomes of it: frames of a test's own, out of a tap.
import { describe, expect, it } from "vitest";
import { annotation } from "../lib/bundle.ts";
import { succeed } from "../lib/command.ts";
import { arp, icmpRedirect, routerAdvertisement } from "../lib/frames.ts";
import { lightRuntime, PAUSE } from "../lib/light.ts";
import { lightConfiguration } from "../lib/light-bundle.ts";
import { type NetworkNamespace, networkNamespace } from "../lib/network.ts";
import { openPeer, type Peer, tapBundleIn, tapsOf } from "../lib/peer.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const STATIC = { [annotation("networkMode")]: "static" };
const GATEWAY = "172.16.1.1";
const GUEST = "172.16.1.2";
const PREFIX = "2001:db8:bad:0:0:0:0:0";

/** Settings of `default` and `all` by which somebody has opened the namespace to its peers. */
const OPEN = [
  ...["accept_ra=2", "autoconf=1", "accept_redirects=1", "accept_source_route=1", "proxy_ndp=1", "addr_gen_mode=0"].map(
    (setting) => `ipv6/conf/default/${setting}`,
  ),
  ...["accept_redirects", "send_redirects", "accept_source_route", "arp_accept", "proxy_arp", "accept_local"].map(
    (name) => `ipv4/conf/default/${name}=1`,
  ),
  ...["route_localnet=1", "bootp_relay=1", "secure_redirects=0", "rp_filter=0", "arp_ignore=0", "arp_announce=0"].map(
    (setting) => `ipv4/conf/default/${setting}`,
  ),
  "ipv4/conf/all/accept_redirects=1",
  "ipv6/conf/all/accept_ra=2",
];

const CLOSED = {
  ipv6: {
    disable_ipv6: "1",
    accept_ra: "0",
    autoconf: "0",
    accept_redirects: "0",
    accept_source_route: "-1",
    forwarding: "0",
    proxy_ndp: "0",
    addr_gen_mode: "1",
  },
  ipv4: {
    accept_redirects: "0",
    secure_redirects: "1",
    send_redirects: "0",
    accept_source_route: "0",
    bootp_relay: "0",
    route_localnet: "0",
    arp_ignore: "1",
    arp_announce: "2",
    arp_accept: "0",
    drop_gratuitous_arp: "1",
  },
} as const;

function set(network: NetworkNamespace, ...settings: readonly string[]): void {
  for (const setting of settings) {
    const [path, value] = setting.split("=");
    network.inside("sh", "-c", `echo ${value} > /proc/sys/net/${path}`);
  }
}

/** The settings of a link, or of `all` and `default`; those with a clock of their own are left out. */
function settings(network: NetworkNamespace, family: "ipv4" | "ipv6", link: string): Readonly<Record<string, string>> {
  const lines = network.inside("sh", "-c", `cd /proc/sys/net/${family}/conf/${link} && grep -s . * || :`).trimEnd();
  return Object.fromEntries(lines.split("\n").map((line) => line.split(":", 2)));
}

/** A pod with an address of each family, on a veth of which both ends are in it. */
function pod(...lines: readonly string[]): NetworkNamespace {
  const network = networkNamespace("pod", "ipv6");
  set(network, ...OPEN);
  network.script(
    "ip link set lo up",
    "ip link add net7 type veth peer name peer7",
    "ip link set net7 up",
    "ip link set peer7 up",
    "ip address add 10.4.0.5/20 dev net7",
    "ip address add fd00:4:0:0:0:0:0:5/64 dev net7 nodad",
    ...lines,
    "ip route add default via 10.4.0.1 dev net7",
    "ip -6 route add default via fd00:4:0:0:0:0:0:1 dev net7",
  );
  return network;
}

function started(runtime: Runtime, network: NetworkNamespace, id: string, annotations = {}): void {
  runtime.create(id, tapBundleIn(network, id, annotations));
  succeed(runtime.verb("start", id));
}

/** All of IPv6 that a peer could change, without the lifetimes that count down. */
function ipv6(network: NetworkNamespace): string {
  const addresses = network.inside("ip", "-6", "-o", "address", "show").replace(/_lft \w+/g, "");
  return `${addresses}${network.inside("ip", "-6", "route", "show").replace(/ expires \w+/g, "")}`;
}

/** A guest with a private subnet, in the hands of the test. */
async function privateGuest(): Promise<{ readonly network: NetworkNamespace; readonly peer: Peer }> {
  const network = pod();
  started(lightRuntime(), network, "guest", STATIC);
  const peer = await openPeer(network, tapsOf(network)[0] ?? "");
  // The pod has looked at the tap's carrier.
  await peer.ask(GUEST, GATEWAY);
  return { network, peer };
}

describe("the tap of a guest", () => {
  it.each([
    ["in its container's place", [], {}, 1],
    ["behind its container's address", [], STATIC, 1],
    ["that is the second of its pod", [], {}, 2],
    ["on a device without Ethernet frames", ["ip link set net7 arp off"], {}, 1],
  ])(
    "%s has every setting off by which the guest could configure the pod, whose own settings stay",
    async (_name, lines, annotations, guests) => {
      const network = pod(...lines);
      const links = ["all", "default", "lo", "peer7"];
      const before = links.map((link) => [settings(network, "ipv4", link), settings(network, "ipv6", link)]);
      const outer = settings(network, "ipv6", "net7");
      const runtime = lightRuntime();
      for (let index = 0; index < guests; index++) {
        started(runtime, network, `guest${index}`, annotations);
        // A guest whose tap nobody has open has ended.
        if (index + 1 < guests) await openPeer(network, tapsOf(network)[index] ?? "");
      }
      const taps = tapsOf(network);
      expect(taps).toHaveLength(guests);
      for (const tap of taps) {
        expect(settings(network, "ipv6", tap)).toMatchObject(CLOSED.ipv6);
        expect(settings(network, "ipv4", tap)).toMatchObject(CLOSED.ipv4);
      }
      expect(links.map((link) => [settings(network, "ipv4", link), settings(network, "ipv6", link)])).toEqual(before);
      expect(settings(network, "ipv6", "net7")).toEqual(outer);
    },
  );

  it.each([
    ["cannot be written to", "mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys"],
    ["is not shown", "mount -t tmpfs none /proc/sys"],
  ])("is closed to its guest too where /proc/sys %s", (_name, script) => {
    const network = pod();
    const prefix = ["unshare", "--mount", "--propagation", "private", "sh", "-c", `${script} && exec "$@"`, "sh"];
    const runtime = urunc(lightConfiguration(PAUSE), prefix);
    started(runtime, network, "guest", STATIC);
    expect(settings(network, "ipv6", tapsOf(network)[0] ?? "")).toMatchObject(CLOSED.ipv6);
  });

  it("gives the pod no address and no route by router advertisements, nor when IPv6 is turned on for all of the pod", async () => {
    const { network, peer } = await privateGuest();
    const before = ipv6(network);
    peer.send(routerAdvertisement(peer.mac, PREFIX));
    await peer.ask(GUEST, GATEWAY);
    expect(ipv6(network)).toBe(before);
    set(network, "ipv6/conf/all/disable_ipv6=0");
    peer.send(routerAdvertisement(peer.mac, PREFIX));
    await peer.ask(GUEST, GATEWAY);
    expect(ipv6(network)).not.toContain("2001:db8:bad:");
    expect(network.inside("ip", "-6", "route", "show", "default")).toMatch(/^default via fd00:4::1 dev net7 [^\n]*\n$/);
    // The pod says nothing about its own IPv6 on the tap either.
    expect(peer.received().filter((frame) => frame.slice(24, 28) === "86dd")).toEqual([]);
  });

  it("takes no ICMP redirects, though all of the pod does", async () => {
    const { network, peer } = await privateGuest();
    // Somebody in the pod has the guest as a gateway.
    network.script(`ip route add 10.99.0.0/16 via ${GUEST}`);
    const route = () => network.inside("ip", "route", "get", "10.99.0.1");
    const before = route();
    // A redirect to a neighbour that the pod does not know is put off.
    const to = await peer.ask("172.16.1.77", GATEWAY);
    const packet = { mac: peer.mac, to, source: GUEST, destination: GATEWAY };
    peer.send(icmpRedirect(packet, "10.99.0.1", "172.16.1.77"));
    await peer.ask(GUEST, GATEWAY);
    expect(route()).toBe(before);
  });

  it("answers for no address of the pod's other interfaces, and lets the guest claim none", async () => {
    const { network, peer } = await privateGuest();
    for (const claimed of ["10.4.0.1", "10.4.0.5", GATEWAY]) {
      peer.send(arp(peer.mac, 1, claimed, GATEWAY));
      peer.send(arp(peer.mac, 2, claimed, claimed));
      peer.send(arp(peer.mac, 1, claimed, claimed));
    }
    const before = peer.received().length;
    peer.send(arp(peer.mac, 1, GUEST, "10.4.0.5"));
    await peer.ask(GUEST, GATEWAY);
    const answers = peer
      .received()
      .slice(before)
      .filter((frame) => frame.slice(40, 44) === "0002");
    expect(answers.map((frame) => frame.slice(56, 64))).toEqual(["ac100101"]);
    const [tap = ""] = tapsOf(network);
    const known = network.inside("ip", "neighbour", "show", "dev", tap).trimEnd().split("\n");
    expect(known.map((line) => line.split(" ")[0])).toEqual([GUEST]);
  });
});
