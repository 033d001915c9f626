/**
 * What each guest is told on each of its monitors, case by case: `lines-GUEST.txt` has them all, so that a guest, a
 * monitor or a case without a record fails. UPDATE_GOLDEN=1 rewrites the files.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GUEST_KINDS, type GuestKind } from "../../src/guests/kinds.ts";
import type { GuestNetwork } from "../../src/guests/network.ts";
import { GUESTS } from "../../src/guests/registry.ts";
import { type KernelFile, SOLO5_TARGETS } from "../../src/kernel/kernel-file.ts";
import type { MonitorKind } from "../../src/monitors/kinds.ts";
import type { LaunchPlan } from "../../src/plan/launch-plan.ts";
import { KERNELS, solo5Kernel } from "../lib/kernels.ts";
import { decodeFacts, type Outcome, planOf } from "../lib/plan-bundle.ts";

const ROOM = import.meta.dirname;
const FACTS = decodeFacts(JSON.parse(readFileSync(join(ROOM, "facts.json"), "utf8")), {});
const PREFIX = "com.urunc.unikernel.";

const CARD = { interface: "eth0", mac: "0a:58:0a:04:00:05", mtu: 1500, search: [] };
const IPV6_ADDRESS = { address: "fd00::5", prefix: 64, gateway: "fe80::1" };
const IPV4: GuestNetwork = {
  ...CARD,
  ipv4: { address: "10.4.0.5", prefix: 20, gateway: "10.4.0.1" },
  dns: ["10.4.0.10", "10.4.0.11"],
};
const IPV6: GuestNetwork = { ...CARD, ipv6: IPV6_ADDRESS, dns: ["fd00::53"] };
const BOTH: GuestNetwork = {
  ...IPV4,
  mtu: 1400,
  ipv4: { address: "10.4.0.5", prefix: 32, gateway: "169.254.1.1" },
  ipv6: IPV6_ADDRESS,
  search: ["default.svc.cluster.local"],
  hostname: "web-0",
};
const SECOND: GuestNetwork = {
  interface: "net1",
  mac: "0a:58:0a:05:00:05",
  mtu: 1500,
  ipv4: { address: "192.168.7.5", prefix: 24 },
  dns: [],
  search: [],
};

interface Case {
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly networks?: readonly GuestNetwork[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const BASE = "no network";
const CASES: Readonly<Record<string, Case>> = {
  [BASE]: {},
  IPv4: { networks: [IPV4] },
  IPv6: { networks: [IPV6] },
  "both, gateway outside of the subnet, MTU 1400, search domain": { networks: [BOTH] },
  "two interfaces": { networks: [IPV4, SECOND] },
  "environment with blanks, quotes and commas": { env: ["A=two words", `B='single' "double"`, "C=1,2,,3", "D="] },
  "environment with plain values": { env: ["A=1", "PATH=/bin:/usr/bin"] },
  "arguments with blanks": { args: ["/app", "two words", "  more  "] },
  "arguments with quotes": { args: ["/app", "it's", `say "hello"`] },
  "arguments with an empty one": { args: ["/app", "", "last"] },
  block: { annotations: { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/data" } },
  "block as the root": { annotations: { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/" } },
  initrd: { annotations: { [`${PREFIX}initrd`]: "/initrd" } },
};

/** What a guest cannot do without. */
const NEEDED: Readonly<Partial<Record<GuestKind, Readonly<Record<string, string>>>>> = {
  hermit: { [`${PREFIX}initrd`]: "/initrd" },
  // It starts from its disk.
  nanos: { [`${PREFIX}block`]: "/kernel", [`${PREFIX}blkMntPoint`]: "/" },
  freebsd: { [`${PREFIX}block`]: "/disk.img", [`${PREFIX}blkMntPoint`]: "/" },
};

/** Other programs that change what the guest is told. */
const FIRST: Readonly<Partial<Record<GuestKind, readonly string[]>>> = {
  linux: ["/sbin/init", "/sbin/guest-init", "/urunit"],
  freebsd: ["/sbin/init", "/urunit"],
};

/** Solo5's without a manifest, so that its devices have their usual names. */
function kernelOf(guest: GuestKind, monitor: MonitorKind): KernelFile | undefined {
  if (monitor === "hvt" || monitor === "spt") {
    const targetNumber = SOLO5_TARGETS.indexOf(monitor) + 1;
    return { ...solo5Kernel(monitor), solo5: { target: monitor, targetNumber, abi: 2 } };
  }
  if (guest === "nanos") return KERNELS["boot-disk"];
  if (monitor === "uhyve") return KERNELS["hermit"];
  const virtio = solo5Kernel("virtio");
  const notes = { target: "virtio", targetNumber: SOLO5_TARGETS.indexOf("virtio") + 1, abi: 1 } as const;
  return guest === "mirage" || guest === "includeos" ? { ...virtio, solo5: notes } : KERNELS["pvh"];
}

function outcomeOf(guest: GuestKind, monitor: MonitorKind, init: string | undefined, one: Case): Outcome {
  const kernel = kernelOf(guest, monitor);
  const args = one.args ?? ["/app", "one"];
  return planOf({
    config: {
      ociVersion: "1.2.0",
      root: { path: "rootfs" },
      process: {
        cwd: "/",
        args: init === undefined ? args : [init, ...(init === "/sbin/init" && guest === "freebsd" ? [] : args)],
        env: one.env ?? [],
      },
      annotations: {
        [`${PREFIX}unikernelType`]: guest,
        [`${PREFIX}hypervisor`]: monitor,
        [`${PREFIX}binary`]: "/kernel",
        ...(monitor === "uhyve" ? {} : NEEDED[guest]),
        ...one.annotations,
      },
      linux: { seccomp: {}, resources: { memory: { limit: 512 * 1024 * 1024 } } },
    },
    facts: {
      ...FACTS,
      ...(kernel === undefined
        ? {}
        : { imageFiles: { ...FACTS.imageFiles, "/kernel": { found: true, size: 1, kernel } } }),
      monitorBinary: { path: `/usr/bin/${monitor}`, dynamic: false },
    },
    bundle: "/bundle",
    networks: (one.networks ?? []).map((network, index) => ({
      guest: network,
      tap: `u0a1b2c3d${index}`,
      fd: 6 + index,
    })),
  });
}

const PADDING = /(?:PAD\n)+\n*$/;

function padding(text: string): string {
  return `${text.length} bytes of padding`;
}

/** What a case adds to the first one, whose own options the other golden cases have. */
function linesOf(name: string, outcome: Outcome, base: LaunchPlan | undefined): readonly string[] {
  const head = [``, `  ${name}`];
  if ("problems" in outcome) return [...head, ...outcome.problems.map(({ message }) => `    refused: ${message}`)];
  if (!("plan" in outcome)) return [...head, "    not a unikernel"];
  const { plan, warnings } = outcome;
  const known = base === undefined ? plan.exec.argv : base.exec.argv;
  const added = plan.exec.argv.filter((word) => !known.includes(word) && word !== plan.commandLine);
  const texts = plan.initrd?.parts.flatMap((part) => ("text" in part ? [part.text] : [])) ?? [];
  const files = plan.files.filter(({ path }) => !path.endsWith(".json")).map(({ content }) => content);
  const json = plan.files.filter(({ path }) => path.endsWith(".json")).map(({ content }) => content);
  return [
    ...head,
    `    command line: ${plan.commandLine}`,
    ...added.map((word) => `    option: ${JSON.stringify(word)}`),
    ...json.map((text) => `    configuration: ${text}`),
    ...[...texts, ...files].map((text) => `    text: ${JSON.stringify(text.replace(PADDING, padding))}`),
    ...warnings.map((warning) => `    warning: ${warning}`),
  ];
}

function recordOf(guest: GuestKind): string {
  const lines: string[] = [];
  for (const monitor of GUESTS[guest].monitors) {
    for (const init of FIRST[guest] ?? [undefined]) {
      lines.push(`${lines.length === 0 ? "" : "\n"}${guest} on ${monitor}${init === undefined ? "" : `, ${init}`}`);
      const first = outcomeOf(guest, monitor, init, {});
      const base = "plan" in first ? first.plan : undefined;
      for (const [name, one] of Object.entries(CASES)) {
        lines.push(...linesOf(name, outcomeOf(guest, monitor, init, one), name === BASE ? undefined : base));
      }
    }
  }
  return `${lines.join("\n")}\n`;
}

describe("every guest on every monitor of its own is told in every case what its record says", () => {
  test.each(GUEST_KINDS)("%s", (guest) => {
    const path = join(ROOM, `lines-${guest}.txt`);
    const record = recordOf(guest);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(path, record);
    expect(existsSync(path) ? readFileSync(path, "utf8") : "no record").toBe(record);
  });

  test("and there is no record of anything else", () => {
    const records = readdirSync(ROOM).filter((name) => name.startsWith("lines-"));
    expect(records.sort()).toEqual(GUEST_KINDS.map((guest) => `lines-${guest}.txt`).sort());
  });
});
