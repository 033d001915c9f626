import { failureOf, RuntimeFailure } from "../failure.ts";
import type { Nic } from "../monitors/monitor.ts";
import { readNamespaceNetwork } from "../network/read.ts";
import { clearIngress, joinLinks, removeTap, shortHash, tapNames, unjoin } from "../network/redirect.ts";
import { openRouteSocket, type RouteSocket } from "../network/route-socket.ts";
import { cleanPath } from "../oci/clean-path.ts";
import type { Spec } from "../oci/spec.ts";
import { chooseNetwork, type NetworkChoice } from "../plan/choose-network.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { makePlan } from "../plan/make-plan.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import { parseResolvConf } from "../plan/resolv-conf.ts";
import { CLONE_NEWNET, IFF_NO_PI, IFF_TAP, IFF_VNET_HDR, O_RDONLY, O_RDWR } from "../sys/constants.ts";
import { isShortage, isSysError, messageOf } from "../sys/errors.ts";
import { close, fstat, open, readTextFile } from "../sys/file.ts";
import { networkNamespaceName } from "../sys/namespace.ts";
import { setns } from "../sys/process.ts";
import { tunSetGroup, tunSetInterface, tunSetOwner, tunSetPersist } from "../sys/tun.ts";
import { type NetworkRecord, readNetworkRecord } from "./network-record.ts";

const RESOLV_CONF = "/etc/resolv.conf";
const RESOLV_CONF_LIMIT = 65536;
const TUN = "/dev/net/tun";

export type Note = (level: "info" | "warning", text: string) => void;

export interface NetworkInput {
  /** What the plan without network was made of. */
  readonly planning: PlanInput;
  readonly plan: LaunchPlan;
  /** What making that plan has warned of already. */
  readonly warnings: readonly string[];
  /** The network namespace `create` was called in. */
  readonly callersNetwork: string;
  /** The container's directory; its taps are named after it. */
  readonly directory: string;
  /** Keeps a record for `delete`, before what it tells is done. */
  readonly keep: (record: string) => void;
}

/** The plan to carry out, and the descriptors of its taps, which the monitor inherits. */
export interface ConnectedPlan {
  readonly plan: LaunchPlan;
  readonly taps: readonly number[];
}

/**
 * Reads the network of the namespace this process is in and hands it to the guest: the interface of the default route
 * is joined with a tap, and the plan is made again with both.
 *
 * @throws RuntimeFailure `network`, or with the reasons why the guest cannot run with this network.
 */
export function connectNetwork(input: NetworkInput, note: Note): ConnectedPlan {
  const without = { plan: input.plan, taps: [] };
  const namespace = networkNamespaceName();
  if (namespace === input.callersNetwork) {
    note("info", "The guest has no nic: the container shares the host's network, which is not the guest's to take");
    return without;
  }
  const socket = openRouteSocket();
  try {
    const facts = readNamespaceNetwork(socket);
    const { spec } = input.planning;
    const choice = chooseNetwork(facts, nameServers(input.planning, note), spec.hostname);
    if ("reason" in choice) {
      note("info", `The guest has no nic: ${choice.reason}`);
      return without;
    }
    const ingress = clearIngress(socket, choice.link, facts.links);
    if (ingress.state === "taken") {
      note("warning", `The guest has no nic: ${choice.link.name} belongs to another unikernel in this namespace`);
      return without;
    }
    const { tap, cookie } = tapNames(shortHash(input.directory));
    // Left over by a container that had the same place: nobody has it open, or the link would be taken.
    if (facts.links.some(({ name }) => name === tap)) removeTap(socket, tap);
    const fd = openTun();
    const plan = planWith(input, choice, { tap, fd }, note);
    const [nic] = plan.nics;
    if (nic === undefined) {
      close(fd);
      return { plan, taps: [] };
    }
    const path = spec.linux.namespaces.find(({ type }) => type === "network")?.path ?? "";
    const madeIngress = ingress.state !== "shared";
    const record = { namespace, path, link: choice.link.index, tap, cookie, madeIngress };
    input.keep(JSON.stringify(record));
    try {
      makeTap(fd, nic, plan);
      joinLinks(socket, choice.link, tap, ingress, record.cookie);
    } catch (error) {
      undoQuietly(socket, record, note);
      throw error;
    }
    note("info", `The guest has ${describe(choice)} by ${tap}`);
    if (nic.fd !== undefined) return { plan, taps: [fd] };
    close(fd);
    return { plan, taps: [] };
  } finally {
    socket.close();
  }
}

type Chosen = Exclude<NetworkChoice, { readonly reason: string }>;

function describe({ network }: Chosen): string {
  const texts = [network.ipv4, network.ipv6].flatMap((entry) =>
    entry === undefined
      ? []
      : [`${entry.address}/${entry.prefix}${entry.gateway === undefined ? "" : ` gateway ${entry.gateway}`}`],
  );
  return `the network of ${network.interface}: ${[...texts, network.mac, `MTU ${network.mtu}`].join(", ")},`;
}

function planWith(input: NetworkInput, { network }: Chosen, tap: { tap: string; fd: number }, note: Note): LaunchPlan {
  const planned = makePlan({ ...input.planning, networks: [{ guest: network, ...tap }] });
  if (!planned.ok) throw failureOf(`Network of ${network.interface}`, planned.problems);
  for (const warning of planned.warnings) if (!input.warnings.includes(warning)) note("warning", warning);
  return planned.value;
}

/** Of the file that stands at /etc/resolv.conf in the container. */
function nameServers({ spec, bundle }: PlanInput, note: Note): readonly string[] {
  const source = resolvConfOf(spec);
  if (source === undefined) return [];
  let text: string;
  try {
    text = readTextFile(source.startsWith("/") ? source : `${bundle}/${source}`, RESOLV_CONF_LIMIT);
  } catch (error) {
    if (!isSysError(error) && !(error instanceof RuntimeFailure)) throw error;
    note("warning", `The guest is told no name servers: ${messageOf(error)}`);
    return [];
  }
  const { servers, left } = parseResolvConf(text);
  for (const reason of left) note("warning", `${RESOLV_CONF} of the container: ${reason}`);
  return servers;
}

function resolvConfOf(spec: Spec): string | undefined {
  return spec.mounts.findLast(({ destination }) => cleanPath(destination) === RESOLV_CONF)?.source;
}

function openTun(): number {
  try {
    return open(TUN, O_RDWR);
  } catch (error) {
    throw new RuntimeFailure("network", `Open ${TUN}: ${messageOf(error)}: load the kernel module tun`, {
      kind: "system",
      cause: error,
    });
  }
}

/** A tap that is handed over as a descriptor goes with the last process that has it. */
function makeTap(fd: number, nic: Nic, { user }: LaunchPlan): void {
  const isHanded = nic.fd !== undefined;
  try {
    tunSetInterface(fd, nic.tap, IFF_TAP | IFF_NO_PI | (isHanded ? IFF_VNET_HDR : 0));
    tunSetOwner(fd, user.uid);
    tunSetGroup(fd, user.gid);
    if (!isHanded) tunSetPersist(fd, true);
  } catch (error) {
    throw new RuntimeFailure("network", `Make tap ${nic.tap}: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}

function undoQuietly(socket: RouteSocket, record: NetworkRecord, note: Note): void {
  try {
    undo(socket, record);
  } catch (error) {
    note("warning", `Undo network: ${messageOf(error)}`);
  }
}

function undo(socket: RouteSocket, { link, tap, cookie, madeIngress }: NetworkRecord): void {
  unjoin(socket, link, cookie, madeIngress);
  removeTap(socket, tap);
}

/** What `delete` has to undo, with the namespace held open so that it can still be entered when the monitor has ended. */
export interface NetworkToUndo {
  readonly record: NetworkRecord;
  readonly namespace: number;
}

/**
 * Looks for what `start` left on a link, before the container's process is killed.
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
  let fd: number;
  try {
    fd = open(path, O_RDONLY);
  } catch (error) {
    if (isSysError(error) && !isShortage(error)) return undefined;
    throw error;
  }
  if (`net:[${fstat(fd).ino}]` === name) return fd;
  close(fd);
  return undefined;
}

/**
 * Undoes what `start` did to a link. A failure is a warning: the container goes in any case.
 *
 * @throws SysError where it could not be undone for now: the record must stay.
 */
export function undoNetwork({ record, namespace }: NetworkToUndo, warn: (message: string) => void): void {
  try {
    const socket = openRouteSocketIn(namespace);
    try {
      undo(socket, record);
    } finally {
      socket.close();
    }
  } catch (error) {
    if (isShortage(error)) throw error;
    warn(`Undo network: ${messageOf(error)}`);
  } finally {
    close(namespace);
  }
}

/** A socket belongs to the namespace it was made in: this process is back in its own when it is used. */
function openRouteSocketIn(namespace: number): RouteSocket {
  const own = open("/proc/self/ns/net", O_RDONLY);
  try {
    setns(namespace, CLONE_NEWNET);
    return openRouteSocket();
  } finally {
    setns(own, CLONE_NEWNET);
    close(own);
  }
}
