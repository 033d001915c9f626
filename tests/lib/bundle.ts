// Bundles for the tests, written from scratch.
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { scratch } from "./hygiene.ts";
import { HELLO_KERNEL } from "./paths.ts";

export interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

export type Hooks = Readonly<Record<string, readonly Hook[]>>;

export interface NamespaceEntry {
  readonly type: string;
  readonly path?: string;
}

export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

export interface BundleOptions {
  readonly name?: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly terminal?: boolean;
  readonly hooks?: Hooks;
  readonly namespaces?: readonly NamespaceEntry[];
  /** Added to those of the kind; undefined takes one away. */
  readonly annotations?: Readonly<Record<string, string | undefined>>;
  readonly memoryLimit?: number;
  /** `linux.resources`; with it, or with a path, the container has a cgroup. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly cgroupsPath?: string;
  /** False: no profile, as engines say "unconfined", so that no filter is installed. */
  readonly seccomp?: boolean;
  readonly user?: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  readonly oomScoreAdj?: number;
  readonly apparmorProfile?: string;
  readonly sysctl?: Readonly<Record<string, string>>;
  /** Of uids and gids alike. */
  readonly mappings?: readonly IdMapping[];
  readonly cwd?: string;
  /** Of the three sets that matter; those of an engine without it. */
  readonly capabilities?: readonly string[];
  /** More members of `process` and of `linux`. */
  readonly process?: Readonly<Record<string, unknown>>;
  readonly linux?: Readonly<Record<string, unknown>>;
  /** Kernel file for `helloBundle` in the place of hello's own. */
  readonly kernel?: string;
  /** The image may be written to, as a block image of it must. */
  readonly writable?: boolean;
}

export const NAMESPACES: readonly NamespaceEntry[] = ["pid", "ipc", "uts", "mount", "network"].map((type) => ({
  type,
}));

/** containerd's for every container that asks for nothing else. */
export const USUAL_CAPABILITIES: readonly string[] =
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE"
    .split(" ")
    .map((name) => `CAP_${name}`);

/** Where the kernel lies in the rootfs of `helloBundle`. */
export const KERNEL = "/unikernel/kernel";

const PREFIX = "com.urunc.unikernel.";

function writeBundle(options: BundleOptions, annotations: Readonly<Record<string, string | undefined>>): string {
  const bundle = join(scratch(), options.name ?? "bundle");
  for (const directory of ["proc", "dev", "sys", "tmp"]) {
    mkdirSync(join(bundle, "rootfs", directory), { recursive: true });
  }
  const capabilities = options.capabilities ?? USUAL_CAPABILITIES;
  const config = {
    ociVersion: "1.0.2",
    process: {
      terminal: options.terminal ?? false,
      user: options.user ?? { uid: 0, gid: 0 },
      args: options.args ?? [],
      env: options.env ?? ["PATH=/bin"],
      cwd: options.cwd ?? "/",
      noNewPrivileges: true,
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      ...(options.apparmorProfile === undefined ? {} : { apparmorProfile: options.apparmorProfile }),
      ...(options.oomScoreAdj === undefined ? {} : { oomScoreAdj: options.oomScoreAdj }),
      ...options.process,
    },
    root: { path: "rootfs", readonly: options.writable !== true },
    hostname: "test",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid", "noexec", "newinstance"] },
    ],
    hooks: options.hooks ?? {},
    annotations: { ...annotations, ...options.annotations },
    linux: {
      namespaces: options.namespaces ?? NAMESPACES,
      ...(options.sysctl === undefined ? {} : { sysctl: options.sysctl }),
      ...(options.mappings === undefined ? {} : { uidMappings: options.mappings, gidMappings: options.mappings }),
      ...(options.seccomp === false ? {} : { seccomp: { defaultAction: "SCMP_ACT_ALLOW" } }),
      ...(options.memoryLimit === undefined && options.resources === undefined
        ? {}
        : {
            resources: { ...(options.memoryLimit && { memory: { limit: options.memoryLimit } }), ...options.resources },
          }),
      ...(options.cgroupsPath === undefined ? {} : { cgroupsPath: options.cgroupsPath }),
      ...options.linux,
    },
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  return bundle;
}

/** Puts a file into the bundle's rootfs. */
export function putFile(bundle: string, path: string, content: string | Buffer): void {
  const target = join(bundle, "rootfs", path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, content);
}

/** Adds one to the bundle's mounts. */
export function addMount(bundle: string, mount: Readonly<Record<string, unknown>>): void {
  const path = join(bundle, "config.json");
  const config = readFileSync(path, "utf8");
  writeFileSync(path, config.replace('"mounts":[', `"mounts":[${JSON.stringify(mount)},`));
}

/** The hello unikernel as an image brings it. */
export function helloBundle(options: BundleOptions = {}): string {
  const bundle = writeBundle(options, {
    [`${PREFIX}unikernelType`]: "unikraft",
    [`${PREFIX}hypervisor`]: "qemu",
    [`${PREFIX}binary`]: KERNEL,
  });
  mkdirSync(join(bundle, "rootfs", dirname(KERNEL)), { recursive: true });
  copyFileSync(options.kernel ?? HELLO_KERNEL, join(bundle, "rootfs", KERNEL));
  return bundle;
}

/** An ordinary container of one static busybox. */
export function busyboxBundle(options: BundleOptions = {}): string {
  const bundle = writeBundle(options, {});
  const bin = join(bundle, "rootfs", "bin");
  mkdirSync(bin, { recursive: true });
  copyFileSync("/bin/busybox", join(bin, "busybox"));
  chmodSync(join(bin, "busybox"), 0o755);
  for (const applet of ["sh", "sleep", "echo", "cat", "kill", "true"]) {
    symlinkSync("busybox", join(bin, applet));
  }
  return bundle;
}

export function annotation(suffix: string): string {
  return PREFIX + suffix;
}
