import { describe, expect, test } from "vitest";
import type { Address, DefaultRoute, Link } from "../../src/netlink/route.ts";
import { chooseNetwork } from "../../src/plan/choose-network.ts";

const LO: Link = { index: 1, name: "lo", mtu: 65536, mac: "00:00:00:00:00:00", carrier: true };
const ETH: Link = { index: 2, name: "eth0", mtu: 1500, mac: "0a:00:00:00:00:02", carrier: true };
const NET: Link = { index: 7, name: "net1", mtu: 1400, mac: "0a:00:00:00:00:07", carrier: true };
const own = (link: number, address: string, prefix: number, primary = true): Address => {
  return { family: address.includes(":") ? "ipv6" : "ipv4", link, address, prefix, primary };
};
const via = (link: number, gateway: string, metric = 0): DefaultRoute => {
  return { family: gateway.includes(":") ? "ipv6" : "ipv4", link, gateway, metric };
};

function choose(links: readonly Link[], addresses: readonly Address[], routes: readonly DefaultRoute[]) {
  return chooseNetwork({ links, addresses, routes }, [], undefined);
}

describe("the guest's interface", () => {
  test("is the one of the default route, whatever its name, with the least metric", () => {
    const addresses = [own(2, "10.0.0.2", 24), own(7, "10.1.0.2", 16)];
    const routes = [via(2, "10.0.0.1", 100), via(7, "10.1.0.1", 50)];
    expect(choose([LO, ETH, NET], addresses, routes)).toEqual({
      link: NET,
      network: {
        interface: "net1",
        mac: NET.mac,
        mtu: 1400,
        ipv4: { address: "10.1.0.2", prefix: 16, gateway: "10.1.0.1" },
        dns: [],
        search: [],
      },
    });
  });

  test("is IPv6's where there is no IPv4 route, and has the addresses of both", () => {
    const addresses = [own(7, "fd00::7", 64), own(7, "10.1.0.2", 16)];
    expect(choose([LO, ETH, NET], addresses, [via(7, "fe80::1", 1024)])).toMatchObject({
      network: {
        interface: "net1",
        ipv4: { address: "10.1.0.2", prefix: 16 },
        ipv6: { address: "fd00::7", prefix: 64, gateway: "fe80::1" },
      },
    });
  });

  test("passes over secondary addresses and those of other interfaces", () => {
    const addresses = [own(2, "10.9.9.9", 8), own(7, "10.1.0.3", 16, false), own(7, "10.1.0.2", 16)];
    expect(choose([LO, ETH, NET], addresses, [via(7, "10.1.0.1")])).toMatchObject({
      network: { ipv4: { address: "10.1.0.2" } },
    });
  });

  test.each([
    ["no interface but the loopback device", [LO], []],
    ["no default route (interfaces: eth0, net1)", [LO, ETH, NET], []],
    ["layer 3 only", [LO, { index: 3, name: "tun0", mtu: 1420, carrier: true }], [via(3, "10.0.0.1")]],
    ["has gone", [LO], [via(9, "10.0.0.1")]],
  ])("is missing with the reason: %s", (reason, links, routes) => {
    const choice = choose(links, [], routes);
    expect("reason" in choice ? choice.reason : "").toContain(reason);
  });
});
