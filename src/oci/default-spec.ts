import { ANNOTATION_PREFIX } from "./validate-metadata.ts";

/** A config.json to start from: a Unikraft unikernel on QEMU, with what most people change in plain sight. */
export function defaultSpec(): object {
  return {
    ociVersion: "1.2.0",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["hello"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "urunc",
    annotations: {
      [`${ANNOTATION_PREFIX}unikernelType`]: "unikraft",
      [`${ANNOTATION_PREFIX}hypervisor`]: "qemu",
      [`${ANNOTATION_PREFIX}binary`]: "/unikraft/bin/kernel",
    },
    linux: {
      resources: { memory: { limit: 268435456 } },
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }],
      // Its presence keeps the monitor's own seccomp filter on.
      seccomp: { defaultAction: "SCMP_ACT_ALLOW" },
    },
  };
}
