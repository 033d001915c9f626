import { RuntimeFailure } from "../failure.ts";
import type { Namespace, NamespaceType } from "../oci/spec.ts";
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  O_NONBLOCK,
  O_RDONLY,
} from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close, open } from "../sys/file.ts";
import { clone3, setns, unshare } from "../sys/process.ts";

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
interface JoinedNamespace {
  readonly type: NamespaceType;
  readonly path: string;
  readonly fd: number;
}

/** The namespaces of a container: flags for those to be made, descriptors of those to be joined. */
export interface NamespaceSet {
  readonly newFlags: number;
  readonly joined: readonly JoinedNamespace[];
}

/**
 * Opens what is to be joined.
 *
 * @throws RuntimeFailure `namespace` naming the path that cannot be opened.
 */
export function openNamespaces(namespaces: readonly Namespace[]): NamespaceSet {
  let newFlags = 0;
  const joined: JoinedNamespace[] = [];
  for (const { type, path } of namespaces) {
    if (path === undefined) newFlags |= FLAGS[type];
    else joined.push({ type, path, fd: openNamespace(type, path) });
  }
  return { newFlags, joined };
}

function openNamespace(type: NamespaceType, path: string): number {
  try {
    return open(path, O_RDONLY | O_NONBLOCK);
  } catch (error) {
    throw new RuntimeFailure("namespace", `Open ${type} namespace: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * clone3(2) into the new namespaces, and into a cgroup v2 directory if one is given. A cgroup namespace is left to
 * {@link joinNamespaces}: its root is the cgroup that its maker is in, which is not the right one yet. A pid namespace is joined around the clone, since setns(2) of one moves only the
 * children to come.
 *
 * @returns as clone3: pid 0 in the child.
 */
export function cloneIntoNamespaces(set: NamespaceSet, cgroup?: number): ReturnType<typeof clone3> {
  const pid = set.joined.find(({ type }) => type === "pid");
  const flags = set.newFlags & ~CLONE_NEWCGROUP;
  const clone = () => (cgroup === undefined ? clone3(flags) : clone3(flags, cgroup));
  if (pid === undefined) return clone();
  const own = open("/proc/self/ns/pid", O_RDONLY);
  join(pid);
  const child = clone();
  if (child.pid !== 0) setns(own, CLONE_NEWPID);
  close(own);
  return child;
}

/** Joins or makes the other namespaces, in the child, which is in its cgroups. The mount namespace is last: paths change their meaning with it. */
export function joinNamespaces(set: NamespaceSet): void {
  const rest = set.joined.filter(({ type }) => type !== "pid" && type !== "mount");
  for (const namespace of rest) join(namespace);
  if ((set.newFlags & CLONE_NEWCGROUP) !== 0) unshare(CLONE_NEWCGROUP);
  const mount = set.joined.find(({ type }) => type === "mount");
  if (mount !== undefined) {
    join(mount);
    // The monitor's root is made by pivot_root(2): never in a namespace that belongs to others.
    unshare(CLONE_NEWNS);
  }
  for (const { fd } of set.joined) close(fd);
}

function join({ type, path, fd }: JoinedNamespace): void {
  try {
    setns(fd, FLAGS[type]);
  } catch (error) {
    throw new RuntimeFailure("namespace", `Join ${type} namespace ${path}: ${messageOf(error)}`, { cause: error });
  }
}
