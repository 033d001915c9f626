/** What `create` does from outside for a container with a user namespace, where the init has no right to. */
import { RuntimeFailure } from "../failure.ts";
import type { IdMapping } from "../oci/spec.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { limitResources, setOomScore } from "../sandbox/privileges.ts";
import { O_WRONLY } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { withFile, writeAll } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { environ, getegid, geteuid } from "../sys/process.ts";
import { runProgram } from "../sys/program.ts";

/**
 * Writes the ids of the namespace, and what only a user of the host may raise: limits and OOM score.
 *
 * @throws RuntimeFailure `user-namespace`.
 */
export function settleUserNamespace(pid: number, plan: LaunchPlan): void {
  const isRoot = geteuid() === 0;
  if (plan.idMappings !== undefined) {
    const { uids, gids } = plan.idMappings;
    if (isRoot || isOwnId(uids, geteuid())) write(`/proc/${pid}/uid_map`, mapText(uids));
    else mapByHelper("newuidmap", pid, uids);
    if (isRoot) write(`/proc/${pid}/gid_map`, mapText(gids));
    else if (isOwnId(gids, getegid())) {
      // user_namespaces(7): who could drop a group could get at what the group is denied.
      write(`/proc/${pid}/setgroups`, "deny");
      write(`/proc/${pid}/gid_map`, mapText(gids));
    } else mapByHelper("newgidmap", pid, gids);
  }
  setOomScore(plan, `${pid}`);
  if (isRoot) limitResources(plan, pid);
}

/** One id, the caller's own: this needs no right. */
function isOwnId(mappings: readonly IdMapping[], id: number): boolean {
  const [first, ...others] = mappings;
  return others.length === 0 && first?.size === 1 && first.hostID === id;
}

function mapText(mappings: readonly IdMapping[]): string {
  return mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");
}

function write(path: string, text: string): void {
  try {
    withFile(path, O_WRONLY, (fd) => writeAll(fd, text));
  } catch (error) {
    const advice = "does the caller own these ids?";
    throw new RuntimeFailure("user-namespace", `Write ${path}: ${messageOf(error)}: ${advice}`, { cause: error });
  }
}

/** newuidmap(1) and newgidmap(1) have the right to map the ids that /etc/subuid and /etc/subgid give a user. */
function mapByHelper(name: string, pid: number, mappings: readonly IdMapping[]): void {
  const program = findInPath(name);
  if (program === undefined) {
    const message = `${name} is not in PATH: install the package uidmap, or map the caller's own id only`;
    throw new RuntimeFailure("user-namespace", message, { kind: "system" });
  }
  const numbers = mappings.flatMap(({ containerID, hostID, size }) => [containerID, hostID, size]);
  const { code } = runProgram(program, [`${pid}`, ...numbers.map(String)], environ());
  if (code === 0) return;
  const file = name === "newuidmap" ? "/etc/subuid" : "/etc/subgid";
  const message = `${name} ${pid} ${numbers.join(" ")}: exit status ${code}: does ${file} give the caller these ids?`;
  throw new RuntimeFailure("user-namespace", message);
}
