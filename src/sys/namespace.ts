import { AT_FDCWD, LOCK_EX, O_RDONLY } from "./constants.ts";
import { flock, fstat, fstatat, open, readlinkat } from "./file.ts";

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

/** One of us at a time works in a network namespace. The lock ends with the descriptor. */
export function lockNamespace(fd: number): void {
  flock(fd, LOCK_EX);
}
