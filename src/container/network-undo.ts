import { leaveIngress } from "../network/ingress.ts";
import { tapName } from "../network/marks.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../network/netlink-socket.ts";
import { leavePrivate } from "../network/private.ts";
import { awaitEndOfTap, releaseTap } from "../network/tap.ts";
import { CLONE_NEWNET } from "../sys/constants.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { lockNamespace, networkNamespaceNameOf, openNamespaceFile, openOwnNetworkNamespace } from "../sys/namespace.ts";
import { setns } from "../sys/process.ts";
import { type NetworkRecord, type NicRecord, readNetworkRecord } from "./network-record.ts";

/** Takes away what was made for nics, whatever of it is there. */
export function undoNics(socket: NetlinkSocket, nics: readonly NicRecord[]): void {
  for (const { link, hash, isHanded, madeIngress, madeForwarding } of nics) {
    if (madeIngress !== undefined) leaveIngress(socket, link, hash, madeIngress);
    if (madeForwarding !== undefined) leavePrivate(socket, link, hash, madeForwarding);
    const goes = !isHanded && releaseTap(socket, tapName(hash));
    // One that has an address keeps it from the next guest until then.
    if (!goes || madeForwarding !== undefined) awaitEndOfTap(socket, tapName(hash));
  }
}

/** What `delete` has to undo, with the namespace held open so that it can still be entered when the monitor has ended. */
export interface NetworkToUndo {
  readonly record: NetworkRecord;
  readonly namespace: number;
}

/**
 * Looks for what `start` left in a namespace, before the container's process is killed.
 *
 * @param pid of the process while it lives.
 * @returns undefined where there is nothing, or where the namespace has gone and everything with it.
 */
export function openNetworkToUndo(directory: number, pid: number | undefined): NetworkToUndo | undefined {
  const record = readNetworkRecord(directory);
  if (record === undefined) return undefined;
  const paths = [record.path, pid === undefined ? "" : `/proc/${pid}/ns/net`].filter((path) => path !== "");
  for (const path of paths) {
    const namespace = openNamespace(path, record.namespace);
    if (namespace !== undefined) return { record, namespace };
  }
  return undefined;
}

/** The namespace at this path if it is the one of that name still. */
function openNamespace(path: string, name: string): number | undefined {
  let fd: number | undefined;
  try {
    fd = openNamespaceFile(path);
  } catch (error) {
    if (isSysError(error) && !isShortage(error)) return undefined;
    throw error;
  }
  if (fd === undefined || networkNamespaceNameOf(fd) === name) return fd;
  close(fd);
  return undefined;
}

/** Whether this is the namespace of the record: by its inode alone where the kernel, then or now, has no cookie. */
function isThatOf({ cookie }: NetworkRecord, socket: NetlinkSocket): boolean {
  const now = cookie === undefined ? undefined : socket.namespaceCookie();
  return now === undefined || now === cookie;
}

/**
 * Undoes what `start` did in a namespace. A failure is a warning: the container goes in any case.
 *
 * @throws SysError where it could not be undone for now: the record must stay.
 */
export function undoNetwork({ record, namespace }: NetworkToUndo, warn: (message: string) => void): void {
  try {
    const own = openOwnNetworkNamespace();
    try {
      setns(namespace, CLONE_NEWNET);
      const socket = openNetlinkSocket();
      try {
        if (!isThatOf(record, socket)) return;
        if (!lockNamespace(namespace)) {
          warn("Undo network: another process holds the lock of the network namespace: it is done without");
        }
        undoNics(socket, record.nics);
      } finally {
        socket.close();
      }
    } finally {
      setns(own, CLONE_NEWNET);
      close(own);
    }
  } catch (error) {
    if (isShortage(error)) throw error;
    warn(`Undo network: ${messageOf(error)}`);
  } finally {
    close(namespace);
  }
}
