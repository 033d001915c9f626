import { describe, expect, test } from "vitest";
import type { GuestInput } from "../../src/guests/guest.ts";
import { linux } from "../../src/guests/linux.ts";

const INPUT: GuestInput = {
  monitor: "qemu",
  arch: "x86_64",
  args: ["app"],
  env: [],
  version: "",
  initrd: true,
  networks: [],
};
const BLOCK = { path: "/guest/block", mountPoint: "/data", readonly: false };

function needsOf(input: Partial<GuestInput>) {
  const answer = linux.needs({ ...INPUT, ...input });
  if ("problems" in answer) throw new Error(answer.problems.map((problem) => problem.message).join("\n"));
  return answer.needs;
}

function linesOf(input: Partial<GuestInput>): readonly string[] {
  return needsOf(input).initConfiguration?.text.split("\n") ?? [];
}

/** What guest-init makes of a value. */
function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, character: string) => (character === "n" ? "\n" : character));
}

describe("container boot", () => {
  const boot = { containerBoot: true };

  test("carries every argument as it is", () => {
    const args = ["app", "", "a  b", "'", '"', "\\", "\\n", "a\nb", "--", "ARV:x", "UCE\nUBS", "ä"];
    const lines = linesOf({ ...boot, args });
    const given = lines.filter((line) => line.startsWith("ARV:")).map((line) => unescaped(line.slice(4)));
    expect(given).toEqual(args);
    expect(lines).toContain(`ARC:${args.length}`);
    expect(lines.filter((line) => line === "UCE")).toHaveLength(1);
  });

  test("carries every variable, one that could be taken for a border too", () => {
    const lines = linesOf({ ...boot, env: ["A=1", "B=x\nUEE", "UEE"] });
    expect(lines.slice(0, 3)).toEqual(["UES", "A=1", "UEE"]);
    expect(lines).toContain("ENV:B=x\\nUEE");
    expect(lines).toContain("ENV:UEE");
  });

  test("keeps arguments and environment off the kernel's command line", () => {
    const { commandLine, warnings } = needsOf({ ...boot, args: Array(100).fill("word"), env: Array(100).fill("A=1") });
    expect(commandLine).toBe(
      "panic=-1 console=ttyS0 quiet root=/dev/ram0 rw URUNIT_CONFIG=/urunit.conf guest_init.exit_port=244 rdinit=/.urunc/init",
    );
    expect(warnings).toEqual([]);
  });

  test("has its network in the configuration, a card each, and not on the kernel's command line", () => {
    const first = {
      interface: "eth0",
      mac: "0a:00:00:00:00:02",
      mtu: 1400,
      ipv4: { address: "10.9.8.7", prefix: 32, gateway: "169.254.1.1" },
      ipv6: { address: "fd00::7", prefix: 64, gateway: "fe80::1" },
      dns: ["10.9.8.53", "fd00::53"],
      search: ["a.example", "b.example"],
      resolverOptions: ["ndots:5", "rotate"],
    };
    const second = { interface: "net1", mac: "0a:00:00:00:00:01", mtu: 1500, dns: [], search: [] };
    const needs = needsOf({ ...boot, networks: [first, second] });
    expect(needs).toMatchObject({ nics: ["net0", "net1"], knowsMtu: true, warnings: [] });
    expect(needs.commandLine).not.toMatch(/ip=|DEFROUTE/);
    const text = needs.initConfiguration?.text ?? "";
    expect(text).toContain("SD:a.example\nSD:b.example\nNS:10.9.8.53\nNS:fd00::53\nRV:ndots:5\nRV:rotate\n");
    expect(text.slice(text.indexOf("UNS"))).toBe(
      [
        "UNS",
        ...["MAC:0a:00:00:00:00:02", "NAME:eth0", "MTU:1400", "IP:10.9.8.7", "MSK:255.255.255.255", "GW:169.254.1.1"],
        ...["IP6:fd00::7/64", "GW6:fe80::1"],
        ...["MAC:0a:00:00:00:00:01", "NAME:net1", "MTU:1500"],
        "UNE\n",
      ].join("\n"),
    );
  });

  test("has a way out for the exit status where there are ports", () => {
    expect(needsOf(boot)).toMatchObject({ debugExit: true, monitorOptions: ["-device", expect.any(String)] });
    const arm = needsOf({ ...boot, arch: "aarch64" });
    expect(arm).not.toHaveProperty("debugExit");
    expect(arm.monitorOptions).toEqual([]);
    expect(arm.commandLine).not.toContain("exit_port");
  });

  test("refuses more than guest-init has room for", () => {
    const answer = linux.needs({ ...INPUT, ...boot, args: Array(5000).fill("x") });
    expect(answer).toHaveProperty("problems.0.message", expect.stringContaining("too many"));
    const process = { cwd: "/", uid: 0, gid: 0, additionalGids: Array(257).fill(7), terminal: false };
    const crowded = linux.needs({ ...INPUT, ...boot, process });
    expect(crowded).toHaveProperty("problems.0.message", expect.stringContaining("additionalGids"));
  });
});

describe("an image's own urunit", () => {
  const process = { cwd: "/srv", uid: 5, gid: 6, additionalGids: [7], terminal: true, hostname: "box" };

  test("gets the lines of the convention only", () => {
    const input = { args: ["/urunit", "app"], env: ["A=1"], block: BLOCK, process };
    expect(linesOf(input).join("\n")).toBe(
      "UES\nA=1\nUEE\nUCS\nUID:5\nGID:6\nWD:/srv\nUCE\nUBS\nID:annot_vol\nMP:/data\nUBE\n",
    );
  });

  test("reads them in place of an initrd when the root is a disk", () => {
    const needs = needsOf({ args: ["/urunit", "app"], initrd: false, block: { ...BLOCK, mountPoint: "/" } });
    expect(needs.initConfiguration).toMatchObject({ form: "raw" });
    expect(needs.initConfiguration?.text).not.toContain("MP:");
    expect(needs.commandLine).toContain("retain_initrd URUNIT_CONFIG=/sys/firmware/initrd init=/urunit -- app");
  });

  test("is refused a variable that is more than a line", () => {
    expect(linux.needs({ ...INPUT, args: ["/urunit", "app"], env: ["A=1\n2"] })).toHaveProperty("problems");
  });
});

test("guest-init without a program is refused", () => {
  expect(linux.needs({ ...INPUT, args: ["/sbin/guest-init"] })).toHaveProperty("problems");
});

test("another init gets no configuration", () => {
  expect(needsOf({ args: ["/sbin/init"], env: ["A=1"] })).not.toHaveProperty("initConfiguration");
});
