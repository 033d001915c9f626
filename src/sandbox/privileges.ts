import { RuntimeFailure } from "../failure.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { O_WRONLY, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, PR_SET_NO_NEW_PRIVS } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { umask, withFile, writeAll } from "../sys/file.ts";
import { capset, dropBoundingSet, geteuid, prctl, prlimit, setgroups, setresgid, setresuid } from "../sys/process.ts";

/** Resource numbers of setrlimit(2). */
const RLIMITS: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

const NONE: readonly [number, number] = [0, 0];
/** prlimit(2): the calling process. */
const SELF = 0;

/**
 * The monitor's identity: limits, groups, user, no right beyond them.
 *
 * @param hostIds whether ids are the host's, in no user namespace.
 * @param user who it is from now on.
 */
export function dropPrivileges(plan: LaunchPlan, hostIds: boolean, user = plan.user): void {
  limitResources(plan, SELF);
  giveUpRights(user, hostIds);
}

/**
 * Groups, user, no capability in any set (capabilities(7)), no_new_privs. The order matters: each step needs what the
 * next one gives up.
 */
export function giveUpRights(user: LaunchPlan["user"], hostIds: boolean): void {
  dropBoundingSet([]);
  giveUpGroups(user, hostIds);
  setresgid(user.gid, user.gid, user.gid);
  setresuid(user.uid, user.uid, user.uid);
  giveUpCapabilities();
  umask(user.umask);
}

/** All that is possible without any right. */
export function giveUpCapabilities(): void {
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  capset(NONE, NONE, NONE);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/**
 * The limits of the bundle, for a process by its pid.
 *
 * @throws RuntimeFailure `rlimit`.
 */
export function limitResources({ rlimits }: LaunchPlan, pid: number): void {
  for (const { type, soft, hard } of rlimits) {
    const resource = RLIMITS[type];
    if (resource === undefined) throw new RuntimeFailure("rlimit", `process.rlimits: unknown type ${type}`);
    try {
      prlimit(pid, resource, soft, hard);
    } catch (error) {
      throw new RuntimeFailure("rlimit", `Set ${type} to ${soft} (hard ${hard}): ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

/**
 * @param process name of its directory in /proc.
 * @throws RuntimeFailure `oom-score`; without the rights of root a score that may not be set is let be, as runc does.
 */
export function setOomScore({ oomScoreAdj }: LaunchPlan, process: string): void {
  if (oomScoreAdj === undefined) return;
  try {
    withFile(`/proc/${process}/oom_score_adj`, O_WRONLY, (fd) => writeAll(fd, `${oomScoreAdj}`));
  } catch (error) {
    if (isSysError(error, "EACCES", "EPERM") && geteuid() !== 0) return;
    const message = `process.oomScoreAdj: set the score to ${oomScoreAdj}: ${messageOf(error)}: a lower one than the caller's needs CAP_SYS_RESOURCE`;
    throw new RuntimeFailure("oom-score", message, { cause: error });
  }
}

/** In a user namespace whose maker had no right to its groups they cannot be changed, and are the caller's. */
export function giveUpGroups(user: LaunchPlan["user"], hostIds: boolean): void {
  try {
    setgroups(user.additionalGids);
  } catch (error) {
    if (!isSysError(error, "EPERM") || hostIds) throw error;
    if (user.additionalGids.length === 0) return;
    const message = `process.user.additionalGids: ${messageOf(error)}: the ids of the user namespace are the caller's own: leave them out`;
    throw new RuntimeFailure("groups", message, { cause: error });
  }
}
