// A bundle of which everything is a unikernel's but the monitor: a static program that only waits stands in its place.
// For tests and measurements of the runtime itself, which many real monitors at once would drown on a small machine.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { solo5File } from "./kernels.ts";

/** Configuration in which `program` is the monitor of {@link writeLightBundle}. */
export function lightConfiguration(program: string): string {
  return `[monitors.spt]\npath = "${program}"\n`;
}

/** Writes the bundle; `more` is added to its config.json, and annotations to those it has. */
export function writeLightBundle(
  directory: string,
  more: Readonly<Record<string, unknown>> = {},
  annotations: Readonly<Record<string, string>> = {},
): string {
  mkdirSync(join(directory, "rootfs"), { recursive: true });
  writeFileSync(join(directory, "rootfs", "kernel"), solo5File("spt"));
  const namespaces = ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type }));
  const config = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["light"], env: [], cwd: "/", noNewPrivileges: true },
    root: { path: "rootfs", readonly: true },
    annotations: {
      "com.urunc.unikernel.unikernelType": "mirage",
      "com.urunc.unikernel.hypervisor": "spt",
      "com.urunc.unikernel.binary": "/kernel",
      ...annotations,
    },
    linux: { namespaces },
    ...more,
  };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config));
  return directory;
}
