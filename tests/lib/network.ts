// Network namespaces of a test's own, without a name on the host: a file in the scratch directory holds each.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, start, succeed } from "./command.ts";
import { atEnd, scratch } from "./hygiene.ts";

export interface NetworkNamespace {
  /** For `linux.namespaces` of a bundle. */
  readonly path: string;
  /** What runs a command in it. */
  readonly entry: readonly string[];
  /** Runs a program in it; gives its output. */
  inside(...command: readonly string[]): string;
  /** Runs `ip` or `tc` commands in it, one a line. */
  script(...lines: readonly string[]): void;
  /** Begins a program in it, which ends with the test. */
  background(...command: readonly string[]): void;
  /**
   * All that `ip`, `tc` and `nft` tell of it but what changes by itself, and which links forward.
   *
   * @param expected What is about to hold: the kernel takes a tap away a few ticks of its clock after `delete`. Longer
   *   than that is not waited for it.
   */
  describe(expected?: string): string;
}

/** Within it the kernel has taken away a tap that `delete` has let go, on a busy machine too. */
const UNLISTED_MS = 200;

/** Looks at a new link, 50 ms apart; one whose other end stays down is described as it is. */
const SETTLE_TRIES = 20;

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A new namespace that goes with the test. */
export function networkNamespace(name: string, families: "ipv4" | "ipv6" = "ipv4"): NetworkNamespace {
  const path = join(scratch(), `net-${name}`);
  writeFileSync(path, "");
  succeed(run(scratch(), ["unshare", `--net=${path}`, "true"]));
  atEnd(() => void succeed(run(scratch(), ["umount", path])));
  const entry = ["nsenter", `--net=${path}`];
  const inside = (...command: readonly string[]): string => succeed(run(scratch(), [...entry, ...command])).stdout();
  // IPv6 addresses come and settle by themselves, which makes no two looks alike.
  if (families === "ipv4") inside("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  // As a pod's namespace is on a host that does not forward: a new one has the settings of the first.
  inside("sh", "-c", "echo 0 > /proc/sys/net/ipv4/ip_forward");
  return {
    path,
    entry,
    inside,
    background: (...command) => {
      const running = start(scratch(), [...entry, ...command]);
      atEnd(() => void running.child.kill("SIGKILL"));
    },
    script: (...lines) => {
      for (const line of lines) inside(...line.split(" "));
    },
    describe: (expected) => {
      if (expected === undefined) return settled();
      const text = look();
      if (text === expected) return text;
      pause(UNLISTED_MS);
      return look();
    },
  };

  // A veth says a moment after it is up that its other end is.
  function settled(): string {
    for (let tries = 0; tries < SETTLE_TRIES && inside("ip", "link").includes("LOWERLAYERDOWN"); tries++) pause(50);
    return look();
  }

  // A link may go between two of the commands.
  function look(): string {
    // Bridges tell how much time is left, and newer ones how many addresses they have learned.
    const links = inside("ip", "-d", "-o", "link", "show").replace(/(_timer|fdb_n_learned) +[\d.]+/g, "$1");
    const names = [...links.matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1] ?? "");
    return [
      links,
      inside("ip", "-o", "address", "show").replace(/_lft \w+/g, ""),
      inside("ip", "route", "show", "table", "all"),
      inside("tc", "qdisc", "show"),
      inside("nft", "list", "ruleset"),
      inside("sh", "-c", "grep -s . /proc/sys/net/ipv4/conf/*/forwarding || :"),
      ...names.map((link) => `${link}: ${inside("sh", "-c", `tc filter show dev ${link} ingress || :`)}`),
    ].join("\n");
  }
}

/** The namespace of a pod with one address on a veth, of which both ends are in it. */
export function podNetwork(): NetworkNamespace {
  const network = networkNamespace("pod");
  network.script(
    "ip link add eth0 type veth peer name peer0",
    "ip link set eth0 up",
    "ip link set peer0 up",
    "ip address add 10.4.0.5/20 dev eth0",
  );
  return network;
}

/** A pod whose interface eth0 has the address 10.9.8.7 and leads to a namespace with 10.9.8.1. */
export function podAndOutside(): { readonly pod: NetworkNamespace; readonly outside: NetworkNamespace } {
  const pod = networkNamespace("pod");
  const outside = networkNamespace("outside");
  pod.script(
    "ip link set lo up",
    "ip link add eth0 type veth peer name peer0",
    `ip link set peer0 netns ${outside.path}`,
    "ip link set eth0 up",
    "ip address add 10.9.8.7/24 dev eth0",
    "ip route add default via 10.9.8.1",
  );
  outside.script("ip link set lo up", "ip link set peer0 up", "ip address add 10.9.8.1/24 dev peer0");
  return { pod, outside };
}
