// CNI with Debian's plugins for one test: the bridge is in a network namespace of the test's own, and what ctr reads below
// /etc and what the plugins write below /var/lib is in a mount namespace of each call.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Running } from "./command.ts";
import type { Containerd } from "./containerd.ts";
import { scratch } from "./hygiene.ts";
import { type NetworkNamespace, networkNamespace } from "./network.ts";

export interface Cni {
  /** The namespace of the bridge, from which the containers are reached. */
  readonly host: NetworkNamespace;
  /** `ctr run --rm --cni` in the foreground: ctr removes the network again at the end. */
  run(containerd: Containerd, ...args: readonly string[]): Running;
}

/** A bridge with these subnets, each with its first address as the gateway. */
export function bridge(subnets: readonly string[]): Cni {
  const host = networkNamespace("host");
  host.script("ip link set lo up");
  if (subnets.some((subnet) => subnet.includes(":"))) {
    host.inside("sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  }
  const configuration = join(scratch(), "cni");
  mkdirSync(configuration);
  const plugin = {
    type: "bridge",
    bridge: "br0",
    isGateway: true,
    ipam: {
      type: "host-local",
      ranges: subnets.map((subnet) => [{ subnet }]),
      routes: subnets.map((subnet) => ({ dst: subnet.includes(":") ? "::/0" : "0.0.0.0/0" })),
    },
  };
  const list = { cniVersion: "0.4.0", name: "urunc-test", plugins: [plugin] };
  writeFileSync(join(configuration, "10-bridge.conflist"), JSON.stringify(list));
  const script = `mount -t tmpfs cni /etc && mount -t tmpfs cni /var/lib && mkdir -p /etc/cni &&
    cp -r "$1" /etc/cni/net.d && shift && exec "$@"`;
  const caller = [
    ...["nsenter", `--net=${host.path}`, "unshare", "--mount", "--propagation", "private"],
    ...["sh", "-c", script, "sh", configuration],
  ];
  return {
    host,
    run: (containerd, ...args) => containerd.beginBy(caller, "run", "--rm", "--cni", ...args),
  };
}
