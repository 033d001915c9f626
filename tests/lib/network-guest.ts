// A Linux guest of Debian's kernel and busybox, for what has to be seen from the inside of a network.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { annotation, busyboxBundle, NAMESPACES, putFile } from "./bundle.ts";
import { scratch } from "./hygiene.ts";
import { cpioOf, debianKernel } from "./linux-kernel.ts";
import type { NetworkNamespace } from "./network.ts";
import { type Runtime, urunc } from "./runtime.ts";

export interface LinuxGuest {
  readonly name: string;
  readonly network: NetworkNamespace;
  /** For `sh -c`; `ping`, `httpd`, `wget`, `ip` and `hostname` are there. */
  readonly script: string;
  /** What httpd has at /index.html of /www. */
  readonly page?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const APPLETS = ["ping", "ping6", "httpd", "wget", "ip", "hostname"];

/** A runtime that may boot Debian's kernel. */
export function linuxRuntime(configuration = ""): Runtime {
  const directories = `["${debianKernel().directory}", "${scratch()}"]`;
  return urunc(`${configuration}[container_boot]\ndirectories = ${directories}\n`);
}

/** The bundle of a guest. */
export function linuxBundle({ name, network, script, page = "", annotations = {} }: LinuxGuest): string {
  const kernel = debianKernel();
  const modules = join(scratch(), "modules.initrd");
  writeFileSync(modules, cpioOf(kernel.modules));
  const bundle = busyboxBundle({
    name,
    args: ["sh", "-c", script],
    namespaces: NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: network.path } : entry)),
    annotations: { [annotation("bootKernel")]: kernel.image, [annotation("bootInitrd")]: modules, ...annotations },
  });
  for (const applet of APPLETS) {
    const path = join(bundle, "rootfs", "bin", applet);
    rmSync(path, { force: true });
    symlinkSync("busybox", path);
  }
  mkdirSync(join(bundle, "rootfs", "www"));
  putFile(bundle, "www/index.html", page);
  return bundle;
}

/** A page fetched from inside a namespace; empty where nobody serves it. */
export function fetched(network: NetworkNamespace, url: string): string {
  try {
    return network.inside("timeout", "5", "busybox", "wget", "-q", "-O", "-", url);
  } catch {
    return "";
  }
}
