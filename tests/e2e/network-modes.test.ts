// Where the guest is not in its container's place: what ip, tc and nft tell, with a monitor that only waits.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { annotation, type BundleOptions, busyboxBundle, helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { isAlive } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { parseJson, text } from "../lib/json.ts";
import { PAUSE } from "../lib/light.ts";
import { type NetworkNamespace, networkNamespace } from "../lib/network.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

function waitingMonitor(more = ""): Runtime {
  return urunc(`path = "${PAUSE}"\n${more}`);
}

function podNetwork(name = "pod"): NetworkNamespace {
  const network = networkNamespace(name);
  network.script(
    "ip link set lo up",
    "ip link add net7 address 0a:58:0a:04:00:05 type veth peer name peer7",
    "ip link set net7 up",
    "ip link set peer7 up",
    "ip address add 10.4.0.5/20 dev net7",
    "ip route add default via 10.4.0.1",
  );
  return network;
}

function bundleIn(network: NetworkNamespace, name: string, options: BundleOptions = {}): string {
  const namespaces = NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: network.path } : entry));
  return helloBundle({ name, args: ["hello"], namespaces, seccomp: false, ...options });
}

function started(runtime: Runtime, network: NetworkNamespace, id: string, options: BundleOptions = {}): number {
  const { pid } = runtime.create(id, bundleIn(network, id, options));
  succeed(runtime.verb("start", id));
  return pid;
}

async function killed(pid: number): Promise<void> {
  process.kill(pid, "SIGKILL");
  await until("the monitor has ended", () => !isAlive(pid));
}

function ruleset(network: NetworkNamespace): string {
  return network
    .inside("nft", "list", "ruleset")
    .replace(/urunc_[0-9a-f]{8}/g, "urunc_HASH")
    .replace(/u[0-9a-f]{8}/g, "utap");
}

function logged(runtime: Runtime): readonly string[] {
  const lines = readFileSync(runtime.log, "utf8").trimEnd().split("\n");
  return lines.filter((line) => line !== "").map((line) => text(parseJson(line), "msg"));
}

const STATIC = { [annotation("networkMode")]: "static" };

describe("a guest in static mode", () => {
  it("is behind rules as nft makes them, by annotation, by Knative's name and by configuration", () => {
    const ways = [
      ["", STATIC],
      ["", { "io.kubernetes.cri.container-name": "user-container" }],
      ['[network]\nmode = "static"\n', {}],
    ] as const;
    for (const [index, [configuration, annotations]] of ways.entries()) {
      const runtime = waitingMonitor(configuration);
      const network = podNetwork(`pod${index}`);
      const before = network.describe();
      started(runtime, network, `guest${index}`, {
        annotations: { ...annotations, [annotation("ports")]: "8080, 53/udp" },
      });
      const model = podNetwork(`model${index}`);
      model.script(
        "ip tuntap add mode tap name utap",
        "nft add table ip urunc_HASH_f",
        "nft add chain ip urunc_HASH_f entry { type filter hook prerouting priority raw ; }",
        "nft add rule ip urunc_HASH_f entry iif utap ip saddr != 172.16.1.2 drop",
        "nft add rule ip urunc_HASH_f entry iif utap ip daddr 127.0.0.0/8 drop",
        "nft add rule ip urunc_HASH_f entry iif utap icmp type redirect drop",
        "nft add chain ip urunc_HASH_f in { type nat hook prerouting priority dstnat ; }",
        "nft add rule ip urunc_HASH_f in iif net7 tcp dport 8080 dnat to 172.16.1.2",
        "nft add rule ip urunc_HASH_f in iif net7 udp dport 53 dnat to 172.16.1.2",
        "nft add chain ip urunc_HASH_f forward { type filter hook forward priority filter ; }",
        "nft add rule ip urunc_HASH_f forward oif utap ct state established,related accept",
        "nft add rule ip urunc_HASH_f forward oif utap iif net7 tcp dport 8080 accept",
        "nft add rule ip urunc_HASH_f forward oif utap iif net7 udp dport 53 accept",
        "nft add rule ip urunc_HASH_f forward oif utap drop",
        "nft add rule ip urunc_HASH_f forward iif utap oif != net7 drop",
        "nft add rule ip urunc_HASH_f forward iif net7 oifgroup != 1970435438 drop",
        "nft add chain ip urunc_HASH_f out { type nat hook postrouting priority srcnat ; }",
        "nft add rule ip urunc_HASH_f out oif net7 ip saddr 172.16.1.2 masquerade",
      );
      expect(ruleset(network)).toBe(ruleset(model));
      expect(network.inside("ip", "-o", "-4", "address")).toMatch(/u[0-9a-f]{8} +inet 172\.16\.1\.1\/24/);
      expect(network.inside("tc", "qdisc", "show")).not.toContain("ingress");
      succeed(runtime.verb("delete", "--force", `guest${index}`));
      expect(network.describe(before)).toBe(before);
    }
  });

  it("leaves nothing when its monitor is killed, nor stands in the way of the next one", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = waitingMonitor();
    await killed(started(runtime, network, "old", { annotations: STATIC }));
    started(runtime, network, "new", { annotations: STATIC });
    succeed(runtime.verb("delete", "old"));
    // Forwarding stays while somebody needs it.
    expect(network.describe()).toContain("/net7/forwarding:1");
    succeed(runtime.verb("delete", "--force", "new"));
    expect(network.describe(before)).toBe(before);
  });

  it("leaves forwarding on where it was on", () => {
    const network = podNetwork();
    network.inside("sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/net7/forwarding");
    const before = network.describe();
    const runtime = waitingMonitor();
    started(runtime, network, "guest", { annotations: STATIC });
    succeed(runtime.verb("delete", "--force", "guest"));
    expect(network.describe(before)).toBe(before);
  });

  it("has another subnet where its own is the container's", () => {
    const network = podNetwork();
    network.script("ip address add 172.16.0.9/12 dev net7");
    const runtime = waitingMonitor();
    started(runtime, network, "guest", { annotations: STATIC });
    expect(network.inside("ip", "-o", "-4", "address")).toMatch(
      /u[0-9a-f]{8} +inet 172\.\d+\.1\.1\/24|198\.18\.1\.1\/24/,
    );
  });
});

describe("a network mode", () => {
  it("of none leaves the namespace alone", () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = waitingMonitor();
    started(runtime, network, "guest", { annotations: { [annotation("networkMode")]: "none" } });
    expect(network.describe(before)).toBe(before);
    expect(logged(runtime)).toContainEqual("The guest has no nic: its network mode is none");
  });

  it.each([
    [{ [annotation("networkMode")]: "bridge" }, "must be one of dynamic, static, none"],
    [{ [annotation("ports")]: "80/sctp" }, "ports from 1 to 65535"],
  ])("or a port that there is not is an error of create: %j", (annotations, message) => {
    const runtime = waitingMonitor();
    const bundle = bundleIn(podNetwork(), "guest", { annotations });
    const outcome = runtime.verb("create", "--bundle", bundle, "guest");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toContain(message);
  });
});

describe("two guests of one namespace", () => {
  it("are both connected, in any order of coming and going", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = waitingMonitor();
    const one = started(runtime, network, "one");
    const connected = network.describe();
    const two = started(runtime, network, "two", { annotations: { [annotation("ports")]: "8080" } });
    expect(ruleset(network)).toContain("masquerade to :30720-32767");
    expect(network.inside("tc", "filter", "show", "dev", "net7", "ingress")).toContain("00001f90/0000ffff at 20");
    succeed(runtime.verb("delete", "--force", "two"));
    expect(network.describe(connected)).toBe(connected);

    started(runtime, network, "three");
    await killed(one);
    await killed(two).catch(() => undefined);
    // The place of the dead first one is taken, behind what the third one lets pass.
    started(runtime, network, "four");
    const filters = network.inside("tc", "filter", "show", "dev", "net7", "ingress");
    expect(filters.match(/Egress Redirect/g)).toHaveLength(1);
    expect(filters.indexOf("00007800/0000f800")).toBeLessThan(filters.indexOf("Egress Redirect"));
    succeed(runtime.verb("delete", "one"));
    succeed(runtime.verb("delete", "--force", "four"));
    succeed(runtime.verb("delete", "--force", "three"));
    expect(network.describe(before)).toBe(before);
  });

  it("that are started at once do not take the interface from each other", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = waitingMonitor();
    const ids = ["a", "b", "c", "d"];
    for (const id of ids) runtime.create(id, bundleIn(network, id));
    const running = ids.map((id) => runtime.begin("start", id));
    for (const start of running) expect(await start.ended()).toBe(0);
    const filters = network.inside("tc", "filter", "show", "dev", "net7", "ingress");
    expect(filters.match(/Egress Redirect/g)).toHaveLength(1);
    expect(ruleset(network).match(/masquerade/g)).toHaveLength(3);
    for (const id of ids) succeed(runtime.verb("delete", "--force", id));
    expect(network.describe(before)).toBe(before);
  });
});

describe("a container", () => {
  it("is made ten times in one namespace, and leaves it each time as it was", () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = waitingMonitor();
    const bundle = bundleIn(network, "guest");
    for (let time = 0; time < 10; time++) {
      succeed(runtime.verb("create", "--bundle", bundle, "guest"));
      runtime.expectLeftover("guest");
      succeed(runtime.verb("start", "guest"));
      succeed(runtime.verb("kill", "guest", "KILL"));
      succeed(runtime.verb("delete", "--force", "guest"));
      expect(network.describe(before)).toBe(before);
    }
  });

  it("named queue-proxy goes to runc with the guest's address in its environment", async () => {
    const probe = 'SERVING_READINESS_PROBE={"tcpSocket":{"port":8080,"host":"127.0.0.1"},"successThreshold":1}';
    const bundle = busyboxBundle({
      args: ["/bin/sh", "-c", 'echo "$SERVING_READINESS_PROBE"; echo "to $REDIRECT_IP"'],
      env: ["PATH=/bin", probe],
      annotations: { "io.kubernetes.cri.container-name": "queue-proxy", "com.urunc.unikernel.unikernelType": "linux" },
    });
    const path = join(bundle, "config.json");
    // A number that no double has, as rlimits have it.
    const limits =
      '"process":{"rlimits":[{"type":"RLIMIT_CORE","hard":18446744073709551615,"soft":18446744073709551615}],';
    writeFileSync(path, readFileSync(path, "utf8").replace('"process":{', limits));
    const runtime = urunc();
    const { outcome } = runtime.create("proxy", bundle);
    succeed(run(scratch(), ["runc", "--root", runtime.root, "start", "proxy"]));
    expect(readFileSync(path, "utf8")).toContain(limits.slice('"process":{'.length));
    await until("the container has spoken", () => outcome.stdout().includes("to "));
    expect(outcome.stdout()).toBe(
      '{"tcpSocket":{"port":8080,"host":"172.16.1.2"},"successThreshold":1}\nto 172.16.1.2\n',
    );
  });
});
