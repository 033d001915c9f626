import type { SysError } from "urunc:sys";

/**
 * System calls without which urunc cannot do what it was asked for, and that a kernel may be too old for: the version
 * of Linux that each came with. docs/requirements.md has the whole table.
 */
export const SINCE: Readonly<Record<string, string>> = {
  bpf: "4.15",
  clone: "5.2",
  clone3: "5.3",
  close_range: "5.9",
  execveat: "3.19",
  faccessat2: "5.8",
  fsconfig: "5.2",
  fsmount: "5.2",
  fsopen: "5.2",
  memfd_create: "3.17",
  mount_setattr: "5.12",
  move_mount: "5.2",
  open_tree: "5.2",
  openat2: "5.6",
  pidfd_open: "5.3",
  pidfd_send_signal: "5.1",
  renameat2: "3.15",
  sched_setattr: "3.14",
  seccomp: "3.17",
};

/** What may have denied a system call that failed with ENOSYS or EPERM, for the end of its message; may be empty. */
export function denialOf(error: SysError): string {
  const since = SINCE[error.syscall];
  const filter = `a system call filter around urunc denies ${error.syscall}`;
  const page = "see docs/requirements.md";
  if (error.code === "EPERM") {
    return since === undefined || error.isFiltered !== true ? "" : `: the right is missing, or ${filter}: ${page}`;
  }
  if (since === undefined) return `: ${filter}, or this kernel does not have it: ${page}`;
  const older = `this kernel is older than Linux ${since}`;
  return error.isFiltered === true
    ? `: ${filter}, or ${older}: ${page}`
    : `: ${older}, which ${error.syscall} came with: ${page}`;
}
