/**
 * Hermit. On uhyve the kernel file is the application. On QEMU the kernel file is the loader, the initrd is the
 * application. The kernel splits its command line as a shell does; `-ip`, `-mask` and `-gateway` have a value, `env=`
 * words are variables, all behind `--` are the application's arguments (hermit, src/env). Its driver knows the modern
 * virtio interface only.
 */
import { ipv4MaskText } from "../netlink/address.ts";
import { guestProblem } from "./command-line.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, ipv4Servers, lostAddress, nicIds } from "./network.ts";

export const hermit: Guest = {
  monitors: ["qemu", "uhyve"],
  supportsInitrd: true,
  supportsBlock: false,
  minimumMemory: 32 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const [network] = input.networks;
  const common = {
    disks: [],
    nics: nicIds(input.networks, 1),
    virtioNet: "modern",
    monitorOptions: [],
    warnings: lostAddress("hermit", network),
  } as const;
  // Uhyve loads the application itself and takes arguments and variables as they are.
  if (input.monitor === "uhyve") {
    const env = [...addressVariables(network), ...serverVariables(network), ...input.env];
    return { needs: { ...common, commandLine: "", application: { args: input.args, env } } };
  }
  if (!input.initrd) {
    return {
      problems: [guestProblem("hermit: the application is missing: name its ELF file by the annotation initrd")],
    };
  }
  const words = [
    ...addressWords(network),
    ...[...serverVariables(network), ...input.env].map((entry) => quote(`env=${entry}`)),
  ];
  // The kernel puts a name of its own in front of them.
  const args = input.args.slice(1);
  if (args.length > 0) words.push("--", ...args.map(quote));
  return { needs: { ...common, commandLine: words.join(" ") } };
}

type Setting = readonly [name: "ip" | "mask" | "gateway", value: string];

/** Without a gateway the kernel has one of its own choice, which leads nowhere. */
function settings(network: GuestNetwork | undefined): readonly Setting[] {
  if (network?.ipv4 === undefined) return [];
  const { address, prefix, gateway } = network.ipv4;
  const own: readonly Setting[] = [
    ["ip", address],
    ["mask", ipv4MaskText(prefix)],
  ];
  return gateway === undefined ? own : [...own, ["gateway", gateway]];
}

function addressWords(network: GuestNetwork | undefined): readonly string[] {
  return settings(network).flatMap(([name, value]) => [`-${name}`, value]);
}

/** What the words above stand for in the kernel. A variable of the container with such a name counts more. */
function addressVariables(network: GuestNetwork | undefined): readonly string[] {
  return settings(network).map(([name, value]) => `HERMIT_${name.toUpperCase()}=${value}`);
}

function serverVariables(network: GuestNetwork | undefined): readonly string[] {
  if (network?.ipv4 === undefined) return [];
  return ipv4Servers(network, 2).map((server, index) => `HERMIT_DNS${index + 1}=${server}`);
}

/** Single quotes keep everything but themselves; a `#` at the start of a word would begin a comment. */
function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", "'\\''")}'`;
}
