/**
 * A tap is an interface of a namespace that others live in, and a guest is its peer. So nothing that a peer says may
 * change the namespace: each setting by which it could is off before the tap is up, in both families. The settings are the
 * tap's own and go with it; those of `all` and `default`, which are the namespace's, are left alone.
 */
import { RuntimeFailure } from "../failure.ts";
import { IPV4_CONF, ipv4SettingsRequest } from "../netlink/interface.ts";
import { O_DIRECTORY, O_PATH, O_WRONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, withFile, writeAll } from "../sys/file.ts";
import { fsconfigCreate, fsmount, fsopen } from "../sys/mount.ts";
import { openOnProc } from "../sys/sysctl.ts";
import { carryOut, type NetlinkSocket } from "./netlink-socket.ts";
import type { Tap } from "./redirect.ts";

/** Documentation/networking/ip-sysctl.rst of Linux. What a way of connecting needs it turns on afterwards. */
const IPV4 = [
  [IPV4_CONF.forwarding, 0],
  [IPV4_CONF.bcForwarding, 0],
  [IPV4_CONF.bootpRelay, 0],
  [IPV4_CONF.acceptRedirects, 0],
  [IPV4_CONF.secureRedirects, 1],
  [IPV4_CONF.sharedMedia, 0],
  [IPV4_CONF.sendRedirects, 0],
  [IPV4_CONF.acceptSourceRoute, 0],
  [IPV4_CONF.acceptLocal, 0],
  [IPV4_CONF.routeLocalnet, 0],
  [IPV4_CONF.rpFilter, 1],
  [IPV4_CONF.proxyArp, 0],
  [IPV4_CONF.proxyArpPvlan, 0],
  // Who asks for an address of another interface learns nothing.
  [IPV4_CONF.arpIgnore, 1],
  [IPV4_CONF.arpAnnounce, 2],
  [IPV4_CONF.arpAccept, 0],
  [IPV4_CONF.dropGratuitousArp, 1],
  [IPV4_CONF.dropUnicastInL2Multicast, 1],
] as const;

/**
 * No guest of ours has IPv6 by way of its tap's own stack: frames of a guest in its container's place are sent on before
 * the namespace looks at them, and the others have IPv4 only. The rest is for the day on which somebody turns IPv6 on for
 * all interfaces of the namespace.
 */
const IPV6 = [
  ["disable_ipv6", "1"],
  ["accept_ra", "0"],
  ["autoconf", "0"],
  ["accept_redirects", "0"],
  // Not even the routing header of mobile nodes.
  ["accept_source_route", "-1"],
  ["forwarding", "0"],
  ["proxy_ndp", "0"],
  // No link-local address (IN6_ADDR_GEN_MODE_NONE).
  ["addr_gen_mode", "1"],
  ["accept_untracked_na", "0"],
  ["drop_unsolicited_na", "1"],
  ["seg6_enabled", "0"],
] as const;

/**
 * Where the settings of IPv6 are: on a procfs that is open, of whatever mount namespace, on that at /proc, or, where others
 * may have put something there, on one of our own.
 */
export type ProcSource = number | "at /proc" | "own";

/**
 * Makes a tap that is not up deaf to what its guest announces.
 *
 * @throws RuntimeFailure `network`.
 */
export function closeTap(socket: NetlinkSocket, proc: ProcSource, tap: Tap): void {
  carryOut(socket, [{ name: `Close ${tap.name} to its guest`, request: ipv4SettingsRequest(tap.index, IPV4) }]);
  try {
    closeIpv6(proc, tap.name);
  } catch (error) {
    const path = `/proc/sys/net/ipv6/conf/${tap.name}`;
    const advice = "it would take router advertisements from the guest: let /proc/sys/net be written to";
    throw new RuntimeFailure("network", `Close ${path} to its guest: ${messageOf(error)}: ${advice}`, {
      kind: "system",
      cause: error,
    });
  }
}

function closeIpv6(proc: ProcSource, link: string): void {
  if (proc !== "own" && tryWriteIpv6(proc, link)) return;
  const fresh = newProc();
  try {
    writeIpv6(fresh, link);
  } finally {
    close(fresh);
  }
}

/** False in containers of others, where /proc/sys is hidden, read-only or a mount of its own: a procfs that is mounted nowhere is none of it. */
function tryWriteIpv6(proc: Exclude<ProcSource, "own">, link: string): boolean {
  try {
    if (typeof proc === "number") writeIpv6(proc, link);
    else withFile("/proc", O_PATH | O_DIRECTORY, (fd) => writeIpv6(fd, link));
    return true;
  } catch (error) {
    if (!isSysError(error, "EROFS", "EXDEV", "ENOENT")) throw error;
    return false;
  }
}

/** @throws SysError ENOENT where this procfs does not show links at all. */
function writeIpv6(proc: number, link: string): void {
  let directory: number;
  try {
    directory = openOnProc(proc, `sys/net/ipv6/conf/${link}`, O_PATH | O_DIRECTORY);
  } catch (error) {
    if (!isSysError(error, "ENOENT")) throw error;
    // There is no IPv6 in this kernel.
    close(openOnProc(proc, `sys/net/ipv4/conf/${link}`, O_PATH | O_DIRECTORY));
    return;
  }
  try {
    for (const [name, value] of IPV6) writeSetting(directory, name, value);
  } finally {
    close(directory);
  }
}

function writeSetting(directory: number, name: string, value: string): void {
  let fd: number;
  try {
    fd = openOnProc(directory, name, O_WRONLY);
  } catch (error) {
    // This kernel does not have it yet.
    if (isSysError(error, "ENOENT")) return;
    throw error;
  }
  try {
    writeAll(fd, value);
  } finally {
    close(fd);
  }
}

function newProc(): number {
  const context = fsopen("proc");
  try {
    fsconfigCreate(context);
    return fsmount(context, 0);
  } finally {
    close(context);
  }
}
