import { RuntimeFailure } from "../failure.ts";
import { SERVER_SOCKET_FD } from "../plan/decide-share.ts";
import type { LaunchPlan, ShareServer } from "../plan/launch-plan.ts";
import { cloneChild } from "../sys/child.ts";
import {
  O_RDWR,
  PR_CAP_AMBIENT,
  PR_CAP_AMBIENT_CLEAR_ALL,
  PR_SET_NO_NEW_PRIVS,
  PR_SET_PDEATHSIG,
} from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, closeAllBut, dup2, dupCloexec, open, pipe, readText, setSignalOnInput, writeAll } from "../sys/file.ts";
import {
  capset,
  dropBoundingSet,
  execve,
  exit,
  getpid,
  getppid,
  prctl,
  prlimit,
  resetSignalHandlers,
  setresgid,
  setresuid,
  setSignalMask,
} from "../sys/process.ts";
import { SIGKILL, SIGTERM } from "../sys/signals.ts";
import { openLabels, setLabels } from "./labels.ts";
import { dropPrivileges, giveUpGroups } from "./privileges.ts";
import { confineCalls } from "./seccomp.ts";

/** Numbers of capabilities(7). */
const CAPABILITIES: Readonly<Record<string, number>> = {
  CAP_CHOWN: 0,
  CAP_DAC_OVERRIDE: 1,
  CAP_FOWNER: 3,
  CAP_FSETID: 4,
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_SETPCAP: 8,
  CAP_SYS_CHROOT: 18,
  CAP_MKNOD: 27,
  CAP_SETFCAP: 31,
};

const RLIMIT_NOFILE = 7;
/** A file of the share that the guest knows is a descriptor of the server. */
const FILES = 1_000_000;

/** Descriptor by whose end the monitor notices that of the server. */
const LIFE_FD = SERVER_SOCKET_FD + 1;
const TEXT_LIMIT = 4096;

/**
 * Starts the server of a share as a child of this process, which is about to become the monitor. When the monitor ends
 * the kernel kills the server (prctl(2), PR_SET_PDEATHSIG), in whatever way it ended. When the server ends the monitor
 * is told to end by SIGTERM, since its guest has lost its root: the server alone has the other end of a pipe, and its
 * end is a signal for whom reads it (fcntl(2), O_ASYNC). So nobody has to watch over the two.
 *
 * @param hostIds as of {@link dropPrivileges}.
 * @returns the descriptor that the monitor has to inherit for that.
 */
export function startShareServer(plan: LaunchPlan, listener: number, hostIds: boolean): number {
  const server = plan.share?.server;
  if (server === undefined) throw new RuntimeFailure("share", "The plan has no server", { kind: "internal" });
  const [report, told] = pipe();
  const [life, held] = pipe();
  const parent = getpid();
  const child = cloneChild(0, () => becomeServer(plan, server, { parent, hostIds }, { listener, held, told }));
  for (const fd of [told, held, listener, child.pidfd]) close(fd);
  const problem = readText(report, TEXT_LIMIT);
  close(report);
  if (problem !== "") throw new RuntimeFailure("share", `Start ${server.path}: ${problem}`, { kind: "system" });
  setSignalOnInput(life, parent, SIGTERM);
  return life;
}

interface Ends {
  readonly listener: number;
  readonly held: number;
  /** Closed by execve; before that it takes what went wrong. */
  readonly told: number;
}

function becomeServer(
  plan: LaunchPlan,
  server: ShareServer,
  { parent, hostIds }: { readonly parent: number; readonly hostIds: boolean },
  ends: Ends,
): never {
  // Out of the way of the two it will find.
  const up = (fd: number) => dupCloexec(fd, LIFE_FD + 1);
  const high = { listener: up(ends.listener), held: up(ends.held), told: up(ends.told) };
  try {
    dup2(high.listener, SERVER_SOCKET_FD);
    dup2(high.held, LIFE_FD);
    // Who reads the guest's requests is confined as the monitor is.
    const labels = openLabels(plan);
    // Its standard error goes where the monitor's does; the rest belongs to the guest.
    const nothing = open("/dev/null", O_RDWR);
    for (const fd of [0, 1]) dup2(nothing, fd);
    raiseFileLimit();
    takeIdentity(plan, server, hostIds);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    // Its end may have come before.
    if (getppid() !== parent) exit(1);
    resetSignalHandlers();
    setSignalMask([]);
    // What is the monitor's (`--preserve-fds`, claims of devices, taps) is not the server's.
    closeAllBut(LIFE_FD + 1, [high.told, ...labels.map(({ fd }) => fd)]);
    setLabels(labels);
    if (plan.seccomp) confineCalls("virtiofsd");
    execve(server.path, server.argv, plan.exec.env);
  } catch (error) {
    writeAll(high.told, messageOf(error));
  } finally {
    exit(1);
  }
}

/** A host may allow less. */
function raiseFileLimit(): void {
  try {
    prlimit(0, RLIMIT_NOFILE, FILES, FILES);
  } catch (error) {
    if (!isSysError(error)) throw error;
  }
}

/** As root with what it needs and no more, else as the monitor. */
function takeIdentity(plan: LaunchPlan, server: ShareServer, hostIds: boolean): void {
  if (server.capabilities.length === 0) {
    dropPrivileges(plan, hostIds);
    return;
  }
  const kept = server.capabilities.flatMap((name) => CAPABILITIES[name] ?? []);
  dropBoundingSet(kept);
  const { uid, gid } = plan.user;
  giveUpGroups(plan.user, hostIds);
  setresgid(gid, gid, gid);
  setresuid(uid, uid, uid);
  // An inheritable one of the caller's would come back by execve, whatever the bounding set is (capabilities(7)).
  const mask = kept.reduce((bits, number) => bits + 2 ** number, 0);
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  capset([mask, 0], [mask, 0], [0, 0]);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}
