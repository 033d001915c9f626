/** Kernel parameters of the container's namespaces (`linux.sysctl`): never one of the host's. */
import type { NamespaceType } from "../oci/spec.ts";
import type { Planning } from "./plan-input.ts";

export interface Sysctl {
  /** Below /proc/sys. */
  readonly path: string;
  readonly value: string;
}

/** Parameters that each ipc namespace has of its own (ipc_namespaces(7)). */
const IPC: readonly string[] = [
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/sem",
  "kernel/shmall",
  "kernel/shmmax",
  "kernel/shmmni",
  "kernel/shm_rmid_forced",
];

export function decideSysctls(planning: Planning): readonly Sysctl[] {
  const { sysctl, namespaces } = planning.spec.linux;
  const sysctls: Sysctl[] = [];
  for (const [name, value] of Object.entries(sysctl)) {
    const path = pathOf(name);
    const namespace = namespaceOf(path);
    if (namespace !== undefined && namespaces.some(({ type }) => type === namespace)) {
      sysctls.push({ path, value });
      continue;
    }
    const reason =
      namespace === undefined
        ? "it is the host's, or has a key of its own in config.json"
        : `without a ${namespace} namespace it is the host's`;
    const message = `linux.sysctl: ${name}: ${reason}: leave it out`;
    planning.problems.push({ code: "sysctl", message });
  }
  return sysctls;
}

/** The first separator of a name decides (sysctl(8)): after a slash, dots are part of names, and the other way round. */
function pathOf(name: string): string {
  if (/^[^./]*\//.test(name)) return name;
  return name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

function namespaceOf(path: string): NamespaceType | undefined {
  const parts = path.split("/");
  if (!parts.every((part) => /^[\w.:@-]+$/.test(part) && part !== "." && part !== "..")) return undefined;
  if (IPC.includes(path) || path.startsWith("fs/mqueue/")) return "ipc";
  if (parts[0] === "net" && parts.length > 1) return "network";
  return path === "kernel/domainname" ? "uts" : undefined;
}
