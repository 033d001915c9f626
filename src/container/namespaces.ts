import { explainRefusal, type OpenPath } from "../cgroups/make.ts";
import { RuntimeFailure } from "../failure.ts";
import type { NamespaceType, TimeOffsets } from "../oci/spec.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { type Child, cloneChild } from "../sys/child.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  CLONE_PARENT,
  O_RDONLY,
  SOCK_SEQPACKET,
} from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close, open } from "../sys/file.ts";
import { openNamespaceFile } from "../sys/namespace.ts";
import { exit, setns, unshare, waitpid } from "../sys/process.ts";
import { recvFds, sendFds, socketpair } from "../sys/socket.ts";

const ANSWER_LIMIT = 4096;

/** clone(2) flag of each namespace. */
const FLAGS: Readonly<Record<NamespaceType, number>> = {
  user: CLONE_NEWUSER,
  ipc: CLONE_NEWIPC,
  uts: CLONE_NEWUTS,
  network: CLONE_NEWNET,
  cgroup: CLONE_NEWCGROUP,
  time: CLONE_NEWTIME,
  pid: CLONE_NEWPID,
  mount: CLONE_NEWNS,
};

/** A namespace to join, open: its path means what it meant to the caller of `create`. */
export interface JoinedNamespace {
  readonly type: NamespaceType;
  readonly path: string;
  readonly fd: number;
}

/** The namespaces of a container: flags for those to be made, descriptors of those to be joined. */
export interface NamespaceSet {
  readonly newFlags: number;
  /** A user namespace is among them, made or joined. */
  readonly hasUser: boolean;
  readonly joined: readonly JoinedNamespace[];
  /** Hooks of `create` may want to work in the container's mounts, so that these are there from the start. */
  readonly hasHooks: boolean;
  /** Of the time namespace that is made. */
  readonly timeOffsets?: TimeOffsets;
}

/**
 * Opens what is to be joined.
 *
 * @throws RuntimeFailure `namespace` naming the path that cannot be opened.
 */
export function openNamespaces(
  { namespaces, timeOffsets }: Pick<LaunchPlan, "namespaces" | "timeOffsets">,
  hasHooks: boolean,
): NamespaceSet {
  let newFlags = 0;
  const joined: JoinedNamespace[] = [];
  for (const { type, path } of namespaces) {
    if (path === undefined) newFlags |= FLAGS[type];
    else joined.push({ type, path, fd: openNamespace(type, path) });
  }
  return {
    newFlags,
    hasUser: namespaces.some(({ type }) => type === "user"),
    joined,
    hasHooks,
    ...(timeOffsets === undefined ? {} : { timeOffsets }),
  };
}

function openNamespace(type: NamespaceType, path: string): number {
  let fd: number | undefined;
  try {
    fd = openNamespaceFile(path);
  } catch (error) {
    throw new RuntimeFailure("namespace", `Open ${type} namespace: ${messageOf(error)}`, { cause: error });
  }
  if (fd === undefined) throw new RuntimeFailure("namespace", `Open ${type} namespace: ${path} is not a namespace`);
  return fd;
}

/**
 * clone3(2) into the new namespaces, and into a cgroup v2 directory if one is given. A cgroup namespace is left to
 * {@link joinNamespaces}: its root is the cgroup that its maker is in, which is not the right one yet. So is the
 * mount namespace to mount-namespace.ts. A time namespace with offsets is left to the child too. A pid namespace is joined
 * around the clone, since setns(2) of one moves only the children to come.
 *
 * @param live what the child does, which never comes back.
 */
export function cloneIntoNamespaces(set: NamespaceSet, live: () => never, cgroup?: OpenPath): Child {
  const user = set.joined.find(({ type }) => type === "user");
  const pid = set.joined.find(({ type }) => type === "pid");
  const later = CLONE_NEWCGROUP | CLONE_NEWNS | (set.timeOffsets === undefined ? 0 : CLONE_NEWTIME);
  const flags = set.newFlags & ~later;
  if (user !== undefined) {
    const clone = (inner: () => never) => cloneInto(flags | CLONE_PARENT, inner, cgroup);
    return cloneWithin(clone, live, pid === undefined ? [user] : [user, pid]);
  }
  if (pid === undefined) return cloneInto(flags, live, cgroup);
  const own = open("/proc/self/ns/pid", O_RDONLY);
  try {
    join(pid);
    const begin = () => {
      close(own);
      return live();
    };
    return cloneInto(flags, begin, cgroup);
  } finally {
    // Also where there is no child: what is run to undo the rest is the caller's.
    setns(own, CLONE_NEWPID);
    close(own);
  }
}

function cloneInto(flags: number, live: () => never, cgroup: OpenPath | undefined): Child {
  if (cgroup === undefined) return cloneChild(flags, live);
  try {
    return cloneChild(flags, live, cgroup.fd);
  } catch (error) {
    throw explainRefusal(error, cgroup.path);
  }
}

/**
 * A namespace belongs to the user namespace of the process that makes it, so a process in between joins that first. The
 * child is its sibling (CLONE_PARENT) and so ours to wait for.
 */
function cloneWithin(
  clone: (inner: () => never) => Child,
  live: () => never,
  joined: readonly JoinedNamespace[],
): Child {
  const [reader, writer] = socketpair(SOCK_SEQPACKET);
  const begin = () => {
    for (const fd of [reader, writer]) close(fd);
    return live();
  };
  const between = cloneChild(0, () => {
    try {
      for (const namespace of joined) join(namespace);
      const child = clone(begin);
      sendFds(writer, `${child.pid}`, [child.pidfd]);
    } catch (error) {
      sendFds(writer, messageOf(error), []);
    }
    exit(0);
  });
  close(writer);
  close(between.pidfd);
  const { text, fds } = recvFds(reader, ANSWER_LIMIT);
  close(reader);
  waitpid(between.pid, 0);
  const [pidfd] = fds;
  if (pidfd === undefined) throw new RuntimeFailure("namespace", text);
  return { pid: Number(text), pidfd };
}

/** Joins or makes the other namespaces but the mount namespace, in the child, which is in its cgroups. */
export function joinNamespaces(set: NamespaceSet): void {
  const rest = set.joined.filter(({ type }) => type !== "pid" && type !== "user" && type !== "mount");
  for (const namespace of rest) join(namespace);
  if ((set.newFlags & CLONE_NEWCGROUP) !== 0) unshare(CLONE_NEWCGROUP);
}

/** Joins one that was opened. @throws RuntimeFailure `namespace` naming it. */
export function join({ type, path, fd }: JoinedNamespace): void {
  try {
    setns(fd, FLAGS[type]);
  } catch (error) {
    throw new RuntimeFailure("namespace", `Join ${type} namespace ${path}: ${messageOf(error)}`, { cause: error });
  }
}
