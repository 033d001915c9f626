/**
 * What the two Solo5 tenders share (solo5, docs/building.md): options, `--`, the kernel, and the command line as one
 * argument, which the tender hands to the guest unchanged.
 */

import { MEBIBYTE } from "../units.ts";
import type { Monitor, MonitorInput, MonitorVersions } from "./monitor.ts";

/**
 * The answer goes to stderr and begins with the name the tender was called by. `--net-mac`, `--` and devices by the names
 * of the manifest are older than the interface (0.6.0). hvt's own system call filter (0.11.0) comes on top of ours.
 */
const VERSIONS: MonitorVersions = {
  answer: /^\S+ tender, version (\S+)$/m,
  // HVT_ABI_VERSION and SPT_ABI_VERSION: a tender takes its own only.
  oldest: { since: { major: 0, minor: 8, patch: 0 }, what: "unikernels of version 2 of Solo5's interface" },
};

export const SOLO5 = {
  versions: VERSIONS,
  maximumVcpus: 1,
  supportsInitrd: false,
  supportsBlock: true,
  // A sector: the tender refuses what is no multiple of it.
  blockUnit: 512,
  // The tender opens block devices for reading and writing.
  supportsReadonlyBlock: false,
  // Since it asks the device for its MTU, the tender refuses every descriptor (`--net:NAME=@FD`, 0.12.1).
  tap: "name",
  argv,
  dataFiles: () => [],
} as const satisfies Omit<Monitor, "program" | "accelerators" | "memoryUnit" | "maximumMemory">;

function argv(input: MonitorInput): readonly string[] {
  const { disks, monitorOptions, commandLine } = input.guest;
  return [
    input.binary,
    `--mem=${input.memory / MEBIBYTE}`,
    ...disks.map((disk) => `--block:${disk.id}=${disk.path}`),
    ...input.nics.flatMap(({ id, tap, mac }) => [`--net:${id}=${tap}`, `--net-mac:${id}=${mac}`]),
    ...monitorOptions,
    "--",
    input.kernel,
    ...(commandLine === "" ? [] : [commandLine]),
  ];
}
