// What goes away while somebody works with it: the unikernel that has the interface, and the namespace itself.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { isObject } from "../../src/oci/decode.ts";
import { annotation, helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { isAlive } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { faultIn } from "../lib/inject.ts";
import { readJson } from "../lib/json.ts";
import { lightRuntime } from "../lib/light.ts";
import { type NetworkNamespace, networkNamespace, podNetwork } from "../lib/network.ts";
import { tapBundleIn, tapsOf } from "../lib/peer.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const DELAY_US = 3_000_000;
/** Within it a process comes to the call that is delayed. */
const ARRIVAL_MS = 1000;

function bundleIn(network: NetworkNamespace, name: string): string {
  const namespaces = NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: network.path } : entry));
  return helloBundle({ name, args: ["hello", "--stay"], namespaces });
}

describe("the second unikernel of a pod", () => {
  // The calls of its init at start: the questions for links, addresses and routes come before the fourth message.
  it.each([
    ["before its discipline is looked at", { call: "sendto", nth: 4 }],
    ["before its filters are looked at", { call: "sendto", nth: 5 }],
    ["before the tap of the second is made", { call: "ioctl", nth: 1 }],
  ])("gets the interface when the first one ends %s", { timeout: 60_000 }, async (_name, step) => {
    const network = podNetwork();
    network.script("ip route add default via 10.4.0.1");
    const before = network.describe();
    const runtime = urunc();
    const first = runtime.create("first", bundleIn(network, "first"));
    succeed(runtime.verb("start", "first"));
    const [tap = ""] = tapsOf(network);
    const second = runtime.create("second", bundleIn(network, "second"));
    const tracer = await faultIn(second.pid, { ...step, at: 0, text: "" }, `delay_enter=${DELAY_US}`);
    const start = runtime.begin("start", "second");
    await sleep(ARRIVAL_MS);
    process.kill(first.pid, "SIGKILL");
    await until("the first one has ended", () => !isAlive(first.pid) && !tapsOf(network).includes(tap));
    const status = await start.ended();
    tracer.child.kill("SIGTERM");
    await tracer.ended();
    expect(`${status} ${start.stderr()}`).toBe("0 ");
    const filters = network.inside("tc", "filter", "show", "dev", "eth0", "ingress");
    expect(tapsOf(network)).toHaveLength(1);
    expect(filters.match(/Egress Redirect to device \S+/g)).toEqual([
      `Egress Redirect to device ${tapsOf(network)[0]})`,
    ]);
    succeed(runtime.verb("delete", "first"));
    succeed(runtime.verb("delete", "--force", "second"));
    expect(network.describe(before)).toBe(before);
  });
});

const STATIC = { [annotation("networkMode")]: "static" };

/** Makes a stopped container with a private subnet in a pod. @returns What changes the record of it. */
async function stopped(runtime: Runtime, network: NetworkNamespace) {
  network.script("ip route add default via 10.4.0.1");
  const { pid } = runtime.create("guest", tapBundleIn(network, "guest", STATIC));
  succeed(runtime.verb("start", "guest"));
  process.kill(pid, "SIGKILL");
  await until("the monitor has ended", () => !isAlive(pid));
  const path = join(runtime.root, "guest", "network.json");
  const record = readJson(path);
  if (!isObject(record)) throw new Error(`${path} has no object`);
  return (changes: Readonly<Record<string, unknown>>) => writeFileSync(path, JSON.stringify({ ...record, ...changes }));
}

describe("delete", () => {
  it("undoes nothing in another namespace that has got the inode number of the container's", async () => {
    const runtime = lightRuntime();
    const network = podNetwork();
    const change = await stopped(runtime, network);
    const table = /urunc_[0-9a-f]{8}_f/.exec(network.inside("nft", "list", "tables"))?.[0];
    // The kernel gives a number again when it likes: here the record has that of the namespace which is at the path now.
    const other = networkNamespace("other");
    other.script("ip link add eth0 type veth peer name peer0", "ip link set eth0 up", `nft add table ip ${table}`);
    other.inside("sh", "-c", "for name in /proc/sys/net/ipv4/conf/*/forwarding; do echo 1 > $name; done");
    const before = other.describe();
    const name = other.inside("readlink", "/proc/self/ns/net").trim();
    change({ namespace: name });
    succeed(run(scratch(), ["mount", "--bind", other.path, network.path]));
    const deleted = runtime.verb("delete", "guest");
    succeed(run(scratch(), ["umount", network.path]));
    expect([deleted.status, deleted.stderr()]).toEqual([0, ""]);
    expect(other.describe()).toBe(before);
  });

  it("undoes what a record without cookie says, which is one of an older version or of an older kernel", async () => {
    const runtime = lightRuntime();
    const network = podNetwork();
    network.script("ip route add default via 10.4.0.1");
    const before = network.describe();
    network.script("ip route del default");
    const change = await stopped(runtime, network);
    change({ cookie: undefined });
    succeed(runtime.verb("delete", "guest"));
    expect(network.describe(before)).toBe(before);
  });
});
