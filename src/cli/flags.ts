import type { Flag } from "./command.ts";

/** Options that several verbs share; names and meanings are runc's. */

export const HELP: Flag = { name: "help", short: "h", help: "show this help" };

export const GLOBAL: readonly Flag[] = [
  { name: "debug", help: "log more" },
  { name: "log", value: "FILE", help: "log to this file instead of stderr" },
  { name: "log-format", value: "FORMAT", help: "text or json (default text)" },
  {
    name: "root",
    value: "DIR",
    help: "directory of the containers' state (default /run/urunc, without root $XDG_RUNTIME_DIR/urunc)",
  },
  { name: "systemd-cgroup", help: "let systemd make the cgroups: linux.cgroupsPath is slice:prefix:name" },
  { name: "rootless", value: "MODE", help: "accepted for callers of runc: true, false or auto" },
  { name: "version", short: "v", help: "show the version" },
  HELP,
];

export const CREATE: readonly Flag[] = [
  { name: "bundle", short: "b", value: "DIR", help: "directory of the bundle (default: the working directory)" },
  { name: "console-socket", value: "SOCKET", help: "unix socket that receives the master of the container's terminal" },
  { name: "pidfd-socket", value: "SOCKET", help: "unix socket that receives a pidfd of the container's process" },
  { name: "pid-file", value: "FILE", help: "write the pid of the container's process to this file" },
  { name: "no-pivot", help: "accepted for callers of runc" },
  { name: "no-new-keyring", help: "accepted for callers of runc" },
  { name: "preserve-fds", value: "N", help: "pass N more descriptors, from 3 on, to the monitor" },
];

export const PROCESS: readonly Flag[] = [
  { name: "console-socket", value: "SOCKET", help: "unix socket that receives the master of the terminal" },
  { name: "pidfd-socket", value: "SOCKET", help: "unix socket that receives a pidfd of the process" },
  { name: "cwd", value: "DIR", help: "working directory" },
  { name: "env", short: "e", value: "K=V", repeatable: true, help: "environment entry" },
  { name: "tty", short: "t", help: "allocate a terminal" },
  { name: "user", short: "u", value: "UID[:GID]", help: "user" },
  { name: "additional-gids", short: "g", value: "GID", repeatable: true, help: "additional group" },
  { name: "process", short: "p", value: "FILE", help: "process of the runtime-spec as JSON" },
  { name: "detach", short: "d", help: "do not wait for the process" },
  { name: "pid-file", value: "FILE", help: "write the pid to this file" },
  { name: "process-label", value: "LABEL", help: "SELinux label" },
  { name: "apparmor", value: "PROFILE", help: "AppArmor profile" },
  { name: "no-new-privs", help: "set no_new_privs" },
  { name: "cap", short: "c", value: "CAP", repeatable: true, help: "add a capability" },
  { name: "preserve-fds", value: "N", help: "pass N more descriptors" },
  { name: "cgroup", value: "PATH", repeatable: true, help: "cgroup" },
  { name: "ignore-paused", help: "run in a paused container" },
];

export const UPDATE: readonly Flag[] = [
  { name: "resources", short: "r", value: "FILE", help: "resources as JSON, - for stdin" },
  ...[
    "blkio-weight",
    "cpu-period",
    "cpu-quota",
    "cpu-burst",
    "cpu-share",
    "cpu-rt-period",
    "cpu-rt-runtime",
    "cpuset-cpus",
    "cpuset-mems",
    "memory",
    "memory-reservation",
    "memory-swap",
    "pids-limit",
    "cpu-idle",
    "l3-cache-schema",
    "mem-bw-schema",
  ].map((name): Flag => ({ name, value: "VALUE", help: `set ${name}` })),
];

export const CHECKPOINT: readonly Flag[] = [
  ...["image-path", "work-path", "parent-path", "page-server", "manage-cgroups-mode", "status-fd"].map(
    (name): Flag => ({ name, value: "VALUE", help: `${name} of CRIU` }),
  ),
  { name: "empty-ns", value: "NS", repeatable: true, help: "empty-ns of CRIU" },
  ...[
    "tcp-established",
    "tcp-skip-in-flight",
    "ext-unix-sk",
    "shell-job",
    "file-locks",
    "lazy-pages",
    "auto-dedup",
  ].map((name): Flag => ({ name, help: `${name} of CRIU` })),
];
