/** Tap devices: made through /dev/net/tun, removed through rtnetlink. */
import { RuntimeFailure } from "../failure.ts";
import { deleteLinkRequest } from "../netlink/interface.ts";
import type { Link } from "../netlink/route.ts";
import { IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, O_RDWR, SOCK_SEQPACKET } from "../sys/constants.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { close, open } from "../sys/file.ts";
import { sendFds, socketpair } from "../sys/socket.ts";
import { tunSetGroup, tunSetInterface, tunSetOwner, tunSetPersist } from "../sys/tun.ts";
import { type NetlinkSocket, refused } from "./netlink-socket.ts";

const TUN = "/dev/net/tun";

/**
 * A worker of the kernel closes files one to two ticks of its clock after it got them (fput() of a kernel thread in
 * fs/file_table.c of Linux), where it is not busy, and unlists a tap a millisecond later.
 */
const WORKER_MS = 100;
const STEP_MS = 1;

/** A descriptor that no tap belongs to yet. */
export function openTun(): number {
  try {
    return open(TUN, O_RDWR);
  } catch (error) {
    const advice = isSysError(error, "EACCES", "EPERM")
      ? "give the container's user the right to read and write it"
      : "load the kernel module tun";
    throw new RuntimeFailure("network", `Open ${TUN}: ${messageOf(error)}: ${advice}`, {
      kind: "system",
      cause: error,
    });
  }
}

/**
 * Makes the tap of a descriptor.
 *
 * @param isHanded The descriptor goes to the monitor, and the tap goes with the last process that has it. Otherwise the
 *   tap stays until it is removed.
 */
export function makeTap(
  fd: number,
  name: string,
  isHanded: boolean,
  owner: { readonly uid: number; readonly gid: number },
): void {
  try {
    tunSetInterface(fd, name, IFF_TAP | IFF_NO_PI | (isHanded ? IFF_VNET_HDR : 0));
    tunSetOwner(fd, owner.uid);
    tunSetGroup(fd, owner.gid);
    if (!isHanded) tunSetPersist(fd, true);
  } catch (error) {
    throw new RuntimeFailure("network", `Make tap ${name}: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}

/**
 * Leaves the last close of files to a worker of the kernel. The close of a tap waits until no processor looks at the
 * device any more (15 ms and more), and without this a monitor that ends waits for it before it can be reaped.
 *
 * Files held by a message in a socket that only this same message holds are garbage, which a worker collects when a
 * socket of that family is closed next: here the other end of the pair (unix(7), net/unix/garbage.c of Linux).
 *
 * @returns Descriptors that have to stay open as long as the files; closing all of them lets the files go.
 */
export function closeByWorker(fds: readonly number[]): readonly number[] {
  const [sender, receiver] = socketpair(SOCK_SEQPACKET);
  sendFds(sender, "files", [...fds, receiver]);
  // In this order whoever closes one after the other closes the sender last.
  return [receiver, sender];
}

/** Waits for a tap to go whose last user has ended; one that stays is removed. */
export function awaitEndOfTap(socket: NetlinkSocket, name: string): void {
  const isGone = () => socket.findLink(name) === undefined;
  if (!waitUntil(isGone, deadlineIn(WORKER_MS), STEP_MS)) removeTap(socket, name);
}

/**
 * Leaves a tap that outlives its monitor to a worker of the kernel.
 *
 * @returns Whether nothing keeps it any more: it has gone, or goes by itself.
 */
export function releaseTap(socket: NetlinkSocket, name: string): boolean {
  if (socket.findLink(name) === undefined) return true;
  const tap = openTun();
  const opened = [tap];
  try {
    tunSetInterface(tap, name, IFF_TAP | IFF_NO_PI);
    tunSetPersist(tap, false);
    opened.push(...closeByWorker([tap]));
    return true;
  } catch (error) {
    // Somebody has it still, or it is none.
    if (!isSysError(error) || isShortage(error)) throw error;
    return false;
  } finally {
    for (const fd of opened) close(fd);
  }
}

/** Takes away the tap that another container had by the same name, and which nobody may have open any more. */
export function removeLeftOverTap(socket: NetlinkSocket, { name, carrier }: Link): void {
  // A worker of the kernel is about to close it.
  if (carrier) awaitEndOfTap(socket, name);
  else removeTap(socket, name);
}

/** Removes a tap that outlives its monitor; one that has gone is no error. */
export function removeTap(socket: NetlinkSocket, name: string): void {
  const [refusal] = socket.change([deleteLinkRequest(name)]);
  if (refusal !== undefined && refusal.code !== "ENODEV") throw refused(`Remove tap ${name}`, refusal);
}
