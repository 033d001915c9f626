// CNI with Debian's plugins for one test: the bridge is in a network namespace of the test's own, and what ctr reads below
// /etc and what the plugins write below /var/lib is in a mount namespace of each call.
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Running, run, succeed } from "./command.ts";
import type { Containerd } from "./containerd.ts";
import { scratch } from "./hygiene.ts";
import { type NetworkNamespace, networkNamespace } from "./network.ts";
import { SOURCE } from "./paths.ts";

/** Where Debian has the plugins, and where its ctr looks for them. */
const PLUGINS = "/usr/lib/cni";
const VERSION = "0.4.0";
const NAME = "urunc-test";
/** Plugin of ours that has another one add an interface more: ctr itself makes one only, of the first network it finds. */
const SECOND = "second-interface";

export interface Cni {
  /** The namespace of the bridges, from which the containers are reached. */
  readonly host: NetworkNamespace;
  /** `ctr run --rm --cni` in the foreground: ctr removes the network again at the end. */
  run(containerd: Containerd, ...args: readonly string[]): Running;
  /** Gives a namespace its interfaces as for a pod, whose network is there before any container; at its end they are removed. */
  attach(pod: NetworkNamespace): void;
  detach(pod: NetworkNamespace): void;
}

/**
 * A bridge with these subnets, each with its first address as the gateway of `eth0`.
 *
 * @param second Subnet of a second bridge, where containers have `eth1` and no default route.
 */
export function bridge(subnets: readonly string[], second?: string): Cni {
  const host = networkNamespace("host");
  host.script("ip link set lo up");
  if (subnets.some((subnet) => subnet.includes(":"))) {
    host.inside("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  }
  const routes = subnets.map((subnet) => ({ dst: subnet.includes(":") ? "::/0" : "0.0.0.0/0" }));
  const first = bridgePlugin("br0", subnets, routes);
  const further = second === undefined ? undefined : bridgePlugin("br1", [second], []);
  const plugins = [first, ...(further === undefined ? [] : [{ type: SECOND, interface: "eth1", delegate: further }])];
  const configuration = join(scratch(), "cni");
  const programs = join(scratch(), "plugins");
  mkdirSync(configuration);
  mkdirSync(programs);
  const list = { cniVersion: VERSION, name: NAME, plugins };
  writeFileSync(join(configuration, "10-bridge.conflist"), JSON.stringify(list));
  // A link, by whose target Node knows an ES module: Node 18 takes a file whose name has no ending for CommonJS.
  symlinkSync(join(SOURCE, "tests", "lib", `${SECOND}.mjs`), join(programs, SECOND));
  const script = `mount -t tmpfs cni /etc && mount -t tmpfs cni /var/lib && mkdir -p /etc/cni &&
    cp -r "$1" /etc/cni/net.d && mount -t overlay -o "lowerdir=$2:${PLUGINS}" cni ${PLUGINS} && shift 2 && exec "$@"`;
  const caller = [
    ...[...host.entry, "unshare", "--mount", "--propagation", "private"],
    ...["sh", "-c", script, "sh", configuration, programs],
  ];
  const byHand = (command: "ADD" | "DEL", pod: NetworkNamespace): void => {
    for (const [index, plugin] of [first, ...(further === undefined ? [] : [further])].entries()) {
      const stdin = join(scratch(), `cni-eth${index}.json`);
      writeFileSync(stdin, JSON.stringify({ cniVersion: VERSION, name: `${NAME}-${index}`, ...plugin }));
      const env = {
        ...{ CNI_COMMAND: command, CNI_CONTAINERID: "pod", CNI_NETNS: pod.path, CNI_PATH: PLUGINS },
        CNI_IFNAME: `eth${index}`,
      };
      succeed(run(scratch(), [...host.entry, join(PLUGINS, plugin.type)], { stdin, env }));
    }
  };
  return {
    host,
    run: (containerd, ...args) => containerd.beginBy(caller, "run", "--rm", "--cni", ...args),
    attach: (pod) => byHand("ADD", pod),
    detach: (pod) => byHand("DEL", pod),
  };
}

function bridgePlugin(name: string, subnets: readonly string[], routes: readonly { readonly dst: string }[]) {
  const ranges = subnets.map((subnet) => [{ subnet }]);
  const ipam = { type: "host-local", ranges, routes, dataDir: join(scratch(), "cni-addresses") };
  return { type: "bridge", bridge: name, isGateway: true, ipam };
}
