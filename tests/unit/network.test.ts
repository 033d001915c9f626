import { describe, expect, test } from "vitest";
import type { Address, AddressRank, DefaultRoute, Link } from "../../src/netlink/route.ts";
import { chooseNetworks } from "../../src/plan/choose-network.ts";

const LO: Link = { index: 1, name: "lo", mtu: 65536, mac: "00:00:00:00:00:00", carrier: true };
const ETH: Link = { index: 2, name: "eth0", mtu: 1500, mac: "0a:00:00:00:00:02", carrier: true };
const NET: Link = { index: 7, name: "net1", mtu: 1400, mac: "0a:00:00:00:00:07", carrier: true };
const own = (link: number, address: string, prefix: number, rank: AddressRank = "lasting"): Address => {
  return { family: address.includes(":") ? "ipv6" : "ipv4", link, address, prefix, rank };
};
const via = (link: number, gateway: string, metric = 0): DefaultRoute => {
  return { family: gateway.includes(":") ? "ipv6" : "ipv4", link, gateway, metric };
};

const TOLD = { dns: [], search: [] };

function choose(links: readonly Link[], addresses: readonly Address[], routes: readonly DefaultRoute[]) {
  return chooseNetworks({ links, addresses, routes }, TOLD, (name) => name.startsWith("u"));
}

function names(choice: ReturnType<typeof choose>): readonly string[] {
  return "reason" in choice ? [] : choice.candidates.map(({ link }) => link.name);
}

describe("the guest's interface", () => {
  test("is the one of the default route, whatever its name, with the least metric", () => {
    const addresses = [own(7, "10.1.0.2", 16)];
    const routes = [via(2, "10.0.0.1", 100), via(7, "10.1.0.1", 50)];
    expect(choose([LO, ETH, NET], addresses, routes)).toEqual({
      candidates: [
        {
          link: NET,
          network: {
            interface: "net1",
            mac: NET.mac,
            mtu: 1400,
            ipv4: { address: "10.1.0.2", prefix: 16, gateway: "10.1.0.1" },
            ...TOLD,
          },
        },
      ],
    });
  });

  test("comes first, and others with an address after it", () => {
    const addresses = [own(2, "10.0.0.2", 24), own(7, "10.1.0.2", 16)];
    expect(names(choose([LO, ETH, NET], addresses, [via(7, "10.1.0.1")]))).toEqual(["net1", "eth0"]);
    expect(names(choose([LO, ETH, NET], addresses, []))).toEqual(["eth0", "net1"]);
  });

  test("is neither a tap of ours, nor one without connection, nor without an address of its own", () => {
    const tap: Link = { ...NET, index: 8, name: "u01234567" };
    const down: Link = { ...NET, index: 9, carrier: false };
    const tunnel: Link = { index: 10, name: "tun0", mtu: 1420, carrier: true };
    const addresses = [8, 9, 10].map((link) => own(link, `10.0.${link}.2`, 24));
    const links = [LO, ETH, NET, tap, down, tunnel];
    expect(names(choose(links, [...addresses, own(7, "fe80::7", 64, "local")], [via(2, "10.0.0.1")]))).toEqual([
      "eth0",
    ]);
  });

  test("is IPv6's where there is no IPv4 route, and has the addresses of both", () => {
    const addresses = [own(7, "fd00::7", 64), own(7, "10.1.0.2", 16)];
    expect(choose([LO, ETH, NET], addresses, [via(7, "fe80::1", 1024)])).toMatchObject({
      candidates: [
        {
          network: {
            interface: "net1",
            ipv4: { address: "10.1.0.2", prefix: 16 },
            ipv6: { address: "fd00::7", prefix: 64, gateway: "fe80::1" },
          },
        },
      ],
    });
  });

  test.each([
    [["10.1.0.3 passing", "10.1.0.2"], "10.1.0.2", undefined],
    [["10.1.0.3 passing", "10.1.0.2 passing"], "10.1.0.3", undefined],
    [["fe80::7 local", "fd00::9 passing", "fd00::7"], undefined, "fd00::7"],
    [["fe80::7 local", "fd00::9 passing"], undefined, "fd00::9"],
    [["fe80::7 local"], undefined, "fe80::7"],
    [["fe80::7 local", "10.1.0.2"], "10.1.0.2", undefined],
  ])("has of %j the best of each family", (list, ipv4, ipv6) => {
    const addresses = list.map((text) => {
      const [address = "", rank] = text.split(" ");
      return own(7, address, 24, rank === "passing" || rank === "local" ? rank : "lasting");
    });
    const choice = choose([LO, NET], addresses, [via(7, "10.1.0.1")]);
    const [first] = "reason" in choice ? [] : choice.candidates;
    expect([first?.network.ipv4?.address, first?.network.ipv6?.address]).toEqual([ipv4, ipv6]);
  });

  test.each([
    ["no interface but the loopback device", [LO], []],
    ["nor an interface with an address (interfaces: eth0, net1)", [LO, ETH, NET], []],
    ["no interface but the loopback device", [LO], [via(9, "10.0.0.1")]],
  ])("is missing with the reason: %s", (reason, links, routes) => {
    const choice = choose(links, [], routes);
    expect("reason" in choice ? choice.reason : "").toContain(reason);
  });
});
