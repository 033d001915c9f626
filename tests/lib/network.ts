// Network namespaces of a test's own, without a name on the host: a file in the scratch directory holds each.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, succeed } from "./command.ts";
import { atEnd, scratch } from "./hygiene.ts";

export interface NetworkNamespace {
  /** For `linux.namespaces` of a bundle. */
  readonly path: string;
  /** Runs a program in it; gives its output. */
  inside(...command: readonly string[]): string;
  /** Runs `ip` or `tc` commands in it, one a line. */
  script(...lines: readonly string[]): void;
  /** All that `ip` and `tc` tell of it but what changes by itself. */
  describe(): string;
}

/** A new namespace that goes with the test. */
export function networkNamespace(name: string): NetworkNamespace {
  const path = join(scratch(), `net-${name}`);
  writeFileSync(path, "");
  succeed(run(scratch(), ["unshare", `--net=${path}`, "true"]));
  atEnd(() => void succeed(run(scratch(), ["umount", path])));
  const inside = (...command: readonly string[]): string =>
    succeed(run(scratch(), ["nsenter", `--net=${path}`, ...command])).stdout();
  // IPv6 addresses come and settle by themselves, which makes no two looks alike.
  inside("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
  return {
    path,
    inside,
    script: (...lines) => {
      for (const line of lines) inside(...line.split(" "));
    },
    describe: () => {
      const links = inside("ip", "-o", "link", "show");
      const names = [...links.matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1] ?? "");
      return [
        links,
        inside("ip", "-o", "address", "show").replace(/_lft \w+/g, ""),
        inside("ip", "route", "show", "table", "all"),
        inside("tc", "qdisc", "show"),
        ...names.map((link) => `${link}: ${inside("tc", "filter", "show", "dev", link, "ingress")}`),
      ].join("\n");
    },
  };
}
