import { AT_FDCWD, LOCK_EX, O_RDONLY } from "./constants.ts";
import { flock, fstat, open, readlinkat } from "./file.ts";

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

/** One of us at a time works in a network namespace. The lock ends with the descriptor. */
export function lockNamespace(fd: number): void {
  flock(fd, LOCK_EX);
}
