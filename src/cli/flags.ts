import type { Flag } from "./command.ts";

/** Options that several verbs share; names and meanings are runc's. */

export const HELP: Flag = { name: "help", short: "h", help: "show this help" };

export const GLOBAL: readonly Flag[] = [
  {
    name: "config",
    value: "FILE",
    own: true,
    help: "configuration file (default $URUNC_CONFIG_FILE, else /etc/urunc/config.toml)",
  },
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
  { name: "blkio-weight", value: "WEIGHT", help: "share of block I/O, 10 to 1000" },
  { name: "cpu-period", value: "US", help: "period of the processor limit, microseconds" },
  { name: "cpu-quota", value: "US", help: "processor time in a period, microseconds; -1: no limit" },
  { name: "cpu-burst", value: "US", help: "processor time that may be saved up, microseconds" },
  { name: "cpu-share", value: "SHARES", help: "share of the processors beside other cgroups, 2 to 262144" },
  { name: "cpu-rt-period", value: "US", help: "period of the real-time limit, microseconds" },
  { name: "cpu-rt-runtime", value: "US", help: "real-time processor time in a period, microseconds" },
  { name: "cpuset-cpus", value: "LIST", help: "processors that may be used, such as 0-2,4" },
  { name: "cpuset-mems", value: "LIST", help: "memory nodes that may be used, such as 0,1" },
  { name: "memory", value: "BYTES", help: "the guest's present memory or -1, no limit; any other is refused" },
  {
    name: "memory-reservation",
    value: "BYTES",
    help: "guest memory that is kept when the host is short; 16m is 16 MiB",
  },
  { name: "memory-swap", value: "BYTES", help: "guest memory and swap together; -1: no limit" },
  { name: "pids-limit", value: "N", help: "most threads of the monitor; -1: no limit" },
  { name: "cpu-idle", value: "0|1", help: "1: processors only when no other cgroup wants them" },
  { name: "l3-cache-schema", value: "SCHEMA", help: "refused: Intel RDT is not supported" },
  { name: "mem-bw-schema", value: "SCHEMA", help: "refused: Intel RDT is not supported" },
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
