/**
 * Unikraft: library parameters, `--`, then the application's arguments. The kernel splits the text at blanks, takes
 * quotes of either kind away and knows no escapes (unikraft, lib/ukargparse); values of a list end at a word whose
 * last character is `]` (lib/uklibparam). Its virtio driver looks for the PCI id of the legacy interface.
 */
import type { Problem } from "../failure.ts";
import { ipv4MaskText } from "../netlink/address.ts";
import { isBefore, parseVersion } from "../version-number.ts";
import { guestProblem } from "./command-line.ts";
import { lostVariables } from "./environment.ts";
import type { Guest, GuestAnswer, GuestInput } from "./guest.ts";
import { type GuestNetwork, ipv4Servers, lostAddress, nicIds } from "./network.ts";

/** From here on parameters are called `env.vars`, `netdev.ip` and `vfs.fstab`. */
const NEW_PARAMETERS = { major: 0, minor: 16, patch: 1 } as const;

/**
 * `extract` unpacks the initrd into the root, which has to be mounted; `ramfs=2` mounts a ramfs there unless the
 * kernel's own table has mounted something, where a second mount would fail with EBUSY (0.16.2 to 0.17,
 * lib/vfscore/automount.c). 0.16.1 and lib/posix-vfs-fstab ignore the option: their kernels bring the root themselves.
 */
const FSTAB = 'vfs.fstab=[ "initrd0:/:extract::ramfs=2:" ]';

/** LIBUKNETDEV_EINFO_LIBPARAM_MAXCOUNT, unless configured otherwise. */
const MOST_NICS = 4;

/** What stands in a field as it is. */
const DOMAIN_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

export const unikraft: Guest = {
  monitors: ["qemu", "firecracker", "hyperlight-unikraft"],
  supportsInitrd: true,
  mountsInInitrd: "merged",
  supportsBlock: false,
  sharedRoots: ["9p"],
  minimumMemory: 4 * 1024 * 1024,
  needs,
};

function needs(input: GuestInput): GuestAnswer {
  const problems: Problem[] = [];
  const warnings: string[] = [];
  const remarks: string[] = [];
  const current = isCurrent(input.version, remarks);
  if (!current) {
    const text = `unikraft: environment variables are not passed: version ${input.version} has no parameter for them`;
    const lost = lostVariables(input.env, text);
    warnings.push(...lost.warnings);
    remarks.push(...lost.remarks);
  }
  // Firecracker looks for ` -- ` with double quotes in mind only, to put parameters of its own before it.
  if (input.monitor === "firecracker" && [...input.args, ...input.env].some((word) => word.includes('"'))) {
    problems.push(guestProblem("unikraft: a double quote cannot be passed on firecracker: choose another monitor"));
  }
  const fields = [
    "Unikraft",
    input.arch === "aarch64" ? "console=ttyS0" : "",
    current ? environment(input.env, problems) : "",
    ...networkFields(input.networks, current, warnings),
    rootField(input, current, problems),
    "--",
    input.args.map((argument) => quote(argument, problems)).join(" "),
  ];
  if (problems.length > 0) return { problems };
  return {
    needs: {
      commandLine: fields.join(" "),
      disks: [],
      nics: nicIds(input.networks, current ? MOST_NICS : 1),
      virtioNet: "legacy",
      monitorOptions: [],
      warnings,
      remarks,
    },
  };
}

/** The root: an initrd, a share, or what the kernel has. */
function rootField({ initrd, sharedRoot }: GuestInput, current: boolean, problems: Problem[]): string {
  if (initrd) return current ? FSTAB : "vfs.rootfs=initrd";
  if (sharedRoot === undefined) return "";
  if (!current) {
    problems.push(guestProblem("unikraft: a shared root needs version 0.16.1 or newer: bring an initrd"));
  }
  return `vfs.fstab=[ "${sharedRoot.tag}:/:9pfs:::" ]`;
}

/** A version that is missing or cannot be read counts as current. */
function isCurrent(text: string, remarks: string[]): boolean {
  if (text === "") return true;
  const version = parseVersion(text);
  if (version !== undefined) return !isBefore(version, NEW_PARAMETERS);
  remarks.push(`unikraft: version ${JSON.stringify(text.slice(0, 40))} cannot be read, the newest format is used`);
  return true;
}

/** Three fields, empty where there is nothing to say. */
function networkFields(networks: readonly GuestNetwork[], current: boolean, warnings: string[]): readonly string[] {
  const [network] = networks;
  for (const one of networks) warnings.push(...lostAddress("unikraft", one));
  if (current) return [networks.slice(0, MOST_NICS).map(newWord).join(" "), "", ""];
  if (network?.ipv4 === undefined) return ["", "", ""];
  const { address, prefix, gateway } = network.ipv4;
  return [
    `netdev.ipv4_addr=${address}`,
    gateway === undefined ? "" : `netdev.ipv4_gw_addr=${gateway}`,
    `netdev.ipv4_subnet_mask=${ipv4MaskText(prefix)}`,
  ];
}

/**
 * Address, gateway, two name servers, host name, domain; it ends where the last known value does. The n-th word is the
 * n-th nic's, so one without an address has an empty one.
 */
function newWord(network: GuestNetwork, index: number, all: readonly GuestNetwork[]): string {
  const { ipv4, hostname = "", search } = network;
  const isNeeded = ipv4 !== undefined || all.slice(index + 1).some((next) => next.ipv4 !== undefined);
  if (!isNeeded) return "";
  if (ipv4 === undefined) return "netdev.ip=:";
  const [dns0 = "", dns1 = ""] = ipv4Servers(network, 2);
  const names = [hostname, search[0] ?? ""].map((name) => (DOMAIN_NAME.test(name) ? name : ""));
  const values = [`${ipv4.address}/${ipv4.prefix}`, ipv4.gateway ?? "", dns0, dns1, ...names];
  return `netdev.ip=${values.join(":").replace(/:+$/, "")}`;
}

/** An entry that ends in `]` would end the list, so it gets a parameter of its own. */
function environment(env: readonly string[], problems: Problem[]): string {
  const listed: string[] = [];
  const single: string[] = [];
  for (const entry of env) {
    if (/^\[.*\]$/s.test(entry)) {
      problems.push(guestProblem(`unikraft: ${JSON.stringify(entry)} cannot be passed: it looks like a list`));
    }
    (entry.endsWith("]") ? single : listed).push(quote(entry, problems));
  }
  const words = single.map((entry) => `env.vars=${entry}`);
  if (listed.length > 0) words.unshift(`env.vars=[ ${listed.join(" ")} ]`);
  return words.join(" ");
}

/** One word for the kernel's splitter, whatever blanks it has. */
function quote(word: string, problems: Problem[]): string {
  if (word === "") {
    problems.push(
      guestProblem("unikraft: an empty argument cannot be passed: its command line has no way to write it"),
    );
    return "";
  }
  if (!/["'\s]/.test(word)) return word;
  if (!word.includes('"')) return `"${word}"`;
  if (!word.includes("'")) return `'${word}'`;
  problems.push(guestProblem(`unikraft: ${JSON.stringify(word)} cannot be passed: it has quotes of both kinds`));
  return "";
}
