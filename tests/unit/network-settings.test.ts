import { describe, expect, test } from "vitest";
import { DEFAULT_CONFIGURATION } from "../../src/config/defaults.ts";
import type { Problem } from "../../src/failure.ts";
import type { Address } from "../../src/netlink/route.ts";
import { redirectQueueProxy } from "../../src/oci/queue-proxy.ts";
import { layer3Network } from "../../src/plan/layer3-guest.ts";
import { networkSettings } from "../../src/plan/network-settings.ts";
import { privateSubnet } from "../../src/plan/private-subnet.ts";

const MODE = "com.urunc.unikernel.networkMode";
const PORTS = "com.urunc.unikernel.ports";
const KNATIVE = { "io.kubernetes.cri.container-name": "user-container" };

function settings(annotations: Readonly<Record<string, string>>, mode: "dynamic" | "static" | "none" = "dynamic") {
  const problems: Problem[] = [];
  const configuration = { ...DEFAULT_CONFIGURATION, network: { mode, dns: [] } };
  return { ...networkSettings(annotations, configuration, problems), problems: problems.map(({ code }) => code) };
}

describe("the mode of the network", () => {
  test.each([
    [{}, "dynamic", "dynamic"],
    [{}, "none", "none"],
    [KNATIVE, "dynamic", "static"],
    [{ "io.kubernetes.container.name": "user-container" }, "dynamic", "static"],
    [{ "io.kubernetes.cri.container-name": "user" }, "dynamic", "dynamic"],
    [{ ...KNATIVE, [MODE]: "dynamic" }, "static", "dynamic"],
    [{ [MODE]: "none" }, "static", "none"],
  ] as const)("of %j with %s in the configuration is %s", (annotations, configured, mode) => {
    expect(settings(annotations, configured)).toEqual({ mode, ports: [], problems: [] });
  });

  test.each(["Static", "auto", "static ", "c3RhdGlj"])("cannot be %j", (mode) => {
    expect(settings({ [MODE]: mode }).problems).toEqual(["network-mode"]);
  });
});

describe("the ports of a guest", () => {
  test("are tcp where nothing is said", () => {
    expect(settings({ [PORTS]: "8080, 53/udp,443/tcp," }).ports).toEqual([
      { protocol: "tcp", port: 8080 },
      { protocol: "udp", port: 53 },
      { protocol: "tcp", port: 443 },
    ]);
  });

  test.each(["0", "65536", "80/sctp", "http", "-1", "08", "80-90", "80;81", Array(65).fill("80").join(",")])(
    "cannot be %s",
    (ports) => {
      expect(settings({ [PORTS]: ports }).problems).toEqual(["network-ports"]);
    },
  );
});

describe("a private subnet", () => {
  const address = (text: string): Address => {
    const [value = "", prefix = ""] = text.split("/");
    return {
      family: value.includes(":") ? "ipv6" : "ipv4",
      link: 2,
      address: value,
      prefix: Number(prefix),
      rank: "lasting",
    };
  };
  test.each([
    [["10.4.0.5/20", "fd00::7/64"], "172.16.1.2"],
    [["172.16.1.1/24"], "172.16.2.2"],
    [["172.16.1.9/32", "172.16.2.1/24"], "172.16.3.2"],
    [["172.16.5.9/16"], "198.18.1.2"],
    [["172.16.5.9/12", "198.18.1.1/24"], "198.18.2.2"],
    [["172.16.5.9/12", "198.18.0.1/15"], undefined],
    [["0.0.0.1/0"], undefined],
  ])("beside %j has its guest at %s", (list, guest) => {
    expect(privateSubnet(list.map(address))?.guest).toBe(guest);
  });
});

describe("a guest on a device without frames", () => {
  const network = { interface: "tun0", mac: "", mtu: 1400, dns: [], search: [] };
  test.each([
    ["10.0.0.5", 24, "10.0.0.254", "10.0.0.254"],
    ["10.0.0.5", 24, undefined, "10.0.0.1"],
    ["10.0.0.1", 24, undefined, "10.0.0.2"],
    ["255.255.255.254", 30, undefined, "255.255.255.253"],
    ["10.0.0.5", 31, undefined, "169.254.117.1"],
    ["10.0.0.5", 32, undefined, "169.254.117.1"],
  ])("at %s/%i with gateway %s has gateway %s", (address, prefix, given, gateway) => {
    const ipv4 = { address, prefix, ...(given === undefined ? {} : { gateway: given }) };
    const guest = layer3Network({ ...network, ipv4, ipv6: { address: "fd00::1", prefix: 64 } }, ipv4, "0123abcd");
    expect(guest).toEqual({ ...network, mac: "02:75:01:23:ab:cd", ipv4: { address, prefix, gateway } });
  });
});

describe("the environment of queue-proxy", () => {
  const probe = (host: string) => `SERVING_READINESS_PROBE={"tcpSocket":{"port":8080,"host":"${host}"}}`;
  const rewritten = (env: readonly unknown[]) => {
    const text = redirectQueueProxy(JSON.stringify({ process: { env } }), "172.16.1.2") ?? "";
    return JSON.parse(text).process.env;
  };

  test("has the guest's address as the probe's host and by its name, once", () => {
    const env = ["A=b", probe("127.0.0.1"), "REDIRECT_IP=1.1.1.1"];
    const expected = ["A=b", probe("172.16.1.2"), "REDIRECT_IP=172.16.1.2"];
    expect(rewritten(env)).toEqual(expected);
    expect(rewritten(expected)).toEqual(expected);
  });

  test("without a probe gets no empty entry", () => {
    expect(rewritten(["A=b"])).toEqual(["A=b", "REDIRECT_IP=172.16.1.2"]);
  });

  test.each([
    ['{"httpGet":{"path":"/"}}', '{"httpGet":{"path":"/","host":"172.16.1.2"}}'],
    ['[{"tcpSocket":{"port":1}},{"exec":{}}]', '[{"tcpSocket":{"port":1,"host":"172.16.1.2"}},{"exec":{}}]'],
    ["not JSON", "not JSON"],
    ["5", "5"],
  ])("has the probe %s as %s", (before, after) => {
    expect(rewritten([`SERVING_READINESS_PROBE=${before}`])[0]).toBe(`SERVING_READINESS_PROBE=${after}`);
  });

  test("is all that changes, to the letter", () => {
    const head = '{ "a\\"}{": [1, {"process": {"env": ["no"]}}], "process" : {"n":18446744073709551615,\n "env" : ';
    const tail = ' , "env2": ["]"]}, "z": "\\\\"}';
    expect(redirectQueueProxy(`${head}["A=\\"]"]${tail}`, "1.2.3.4")).toBe(
      `${head}["A=\\"]","REDIRECT_IP=1.2.3.4"]${tail}`,
    );
  });

  test.each([
    ['{"process":{}}', '{"process":{"env":["REDIRECT_IP=1.2.3.4"]}}'],
    ['{"process":{ "cwd":"/"}}', '{"process":{"env":["REDIRECT_IP=1.2.3.4"], "cwd":"/"}}'],
    ['{"linux":{}}', undefined],
  ])("is made where there is none: %s", (before, after) => {
    expect(redirectQueueProxy(before, "1.2.3.4")).toBe(after);
  });
});
