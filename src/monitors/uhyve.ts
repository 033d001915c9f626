/** Uhyve: Hermit's own monitor over KVM. It loads the application itself (uhyve, src/bin/uhyve.rs and src/params.rs). */

import { MEBIBYTE } from "../units.ts";
import type { Judgement, Monitor, MonitorInput } from "./monitor.ts";
import { untoldMtu } from "./mtu.ts";
import type { NeededVersion } from "./versions.ts";

export const uhyve: Monitor = {
  program: () => "uhyve",
  versions: {
    answer: /^uhyve (\S+)$/m,
    oldest: {
      since: { major: 0, minor: 6, patch: 0 },
      what: "leaving the isolation of files to its root (--file-isolation)",
    },
    needs,
  },
  architectures: ["x86_64"],
  accelerators: ["kvm"],
  // Huge pages of x86_64; anything else is refused.
  unicodeOnly: true,
  memoryUnit: 2 * MEBIBYTE,
  minimumMemory: 16 * MEBIBYTE,
  maximumMemory: Number.MAX_SAFE_INTEGER,
  maximumVcpus: 255,
  supportsInitrd: false,
  supportsBlock: false,
  supportsReadonlyBlock: false,
  // By its name only.
  tap: "name",
  argv,
  judge,
  dataFiles: () => [],
};

/**
 * The first `--` ends uhyve's options, and an option and its value are one element, so that nothing of the image can be
 * an option; the second divides kernel parameters from arguments. The application's argv[0] is not ours to choose.
 * Its own file isolation fails where /proc, /sys or /dev/net/tun do not exist, as in the monitor's root, which isolates
 * by having nothing else in it.
 */
function argv(input: MonitorInput): readonly string[] {
  const { args, env } = input.application;
  return [
    input.binary,
    `--memory-size=${input.memory / MEBIBYTE}MiB`,
    `--cpu-count=${input.vcpus}`,
    "--file-isolation=none",
    ...input.nics.map(({ tap }) => `--net=tap:${tap}`),
    ...env.map((entry) => `--env-vars=${entry}`),
    ...input.guest.monitorOptions,
    "--",
    input.kernel,
    ...(args.length > 1 ? ["--", ...args.slice(1).map(shellQuote)] : []),
  ];
}

function needs({ nics }: MonitorInput): readonly NeededVersion[] {
  return nics.length === 0 ? [] : [{ since: { major: 0, minor: 10, patch: 0 }, what: "a nic" }];
}

/** It looks for the MTU in /sys, which its root does not have, and gives the guest the address of the tap. */
function judge(input: MonitorInput): Judgement {
  const others = input.nics.map(
    ({ interface: name, mac }) =>
      `uhyve: the guest has the MAC address of the tap, not ${mac} of ${name}: networks that filter by it drop its packets`,
  );
  return { problems: [], warnings: untoldMtu("uhyve", input), remarks: others };
}

/** Uhyve joins the arguments with blanks, and the kernel splits them as a shell does. Variables uhyve quotes itself. */
function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
