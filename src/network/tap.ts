/** Tap devices: made through /dev/net/tun, removed through rtnetlink. */
import { RuntimeFailure } from "../failure.ts";
import { deleteLinkRequest } from "../netlink/interface.ts";
import { IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, O_RDWR } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { open } from "../sys/file.ts";
import { tunSetGroup, tunSetInterface, tunSetOwner, tunSetPersist } from "../sys/tun.ts";
import { type NetlinkSocket, refused } from "./netlink-socket.ts";

const TUN = "/dev/net/tun";

/** A descriptor that no tap belongs to yet. */
export function openTun(): number {
  try {
    return open(TUN, O_RDWR);
  } catch (error) {
    throw new RuntimeFailure("network", `Open ${TUN}: ${messageOf(error)}: load the kernel module tun`, {
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

/** Removes a tap that outlives its monitor; one that has gone is no error. */
export function removeTap(socket: NetlinkSocket, name: string): void {
  const [refusal] = socket.change([deleteLinkRequest(name)]);
  if (refusal !== undefined && refusal.code !== "ENODEV") throw refused(`Remove tap ${name}`, refusal);
}
