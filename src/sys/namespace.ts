import { AT_FDCWD, O_PATH, O_RDONLY } from "./constants.ts";
import { fstat, fstatat, fstatfsType, open, readlinkat, withFile } from "./file.ts";
import { lockWithin } from "./lock.ts";
import { reopen } from "./regular-file.ts";

const NETWORK = "/proc/self/ns/net";

/** The network namespace this process is in, as the kernel names it: `net:[4026531840]`. */
export function networkNamespaceName(): string {
  return readlinkat(AT_FDCWD, NETWORK);
}

/** The same name of an open namespace. */
export function networkNamespaceNameOf(fd: number): string {
  return `net:[${fstat(fd).ino}]`;
}

/** The network namespace this process is in, open. */
export function openOwnNetworkNamespace(): number {
  return open(NETWORK, O_RDONLY);
}

/** linux/nsfs.h, USER_NS_INIT_INO. */
const INITIAL_USER_NAMESPACE = 0xeffffffd;

/** Whether this process is in the user namespace that the machine started with. */
export function isInInitialUserNamespace(): boolean {
  return fstatat(AT_FDCWD, "/proc/self/ns/user", 0).ino === INITIAL_USER_NAMESPACE;
}

/** linux/magic.h: the file system of namespaces. */
const NSFS_MAGIC = 0x6e736673;

/**
 * Opens a namespace by a path, which somebody else may have given or changed meanwhile.
 *
 * @returns undefined for what is no namespace, which is not opened: a pipe would wait for its writer, and a device may
 *   begin to do something.
 */
export function openNamespaceFile(path: string): number | undefined {
  return withFile(path, O_PATH, (reference) => (fstatfsType(reference) === NSFS_MAGIC ? reopen(reference) : undefined));
}

/** A stranger may have the lock, so this is not as long as the wait for a container's. */
export const NAMESPACE_LOCK_MS = 5000;

/**
 * One of us at a time works in a network namespace. The lock ends with the descriptor.
 *
 * @returns false when somebody else kept it: every process of the namespace can, whoever it belongs to.
 */
export function lockNamespace(fd: number): boolean {
  return lockWithin(fd, NAMESPACE_LOCK_MS);
}
