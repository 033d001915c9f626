import { failureOf, RuntimeFailure } from "../failure.ts";
import { few } from "../few.ts";
import type { Nic } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import { closeTap, type ProcSource } from "../network/close-tap.ts";
import { parseTapName, tapName } from "../network/marks.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../network/netlink-socket.ts";
import { readNamespaceNetwork } from "../network/read.ts";
import { closeByWorker, makeTap, openTun } from "../network/tap.ts";
import { chooseNetworks, type Told } from "../plan/choose-network.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { makePlan } from "../plan/make-plan.ts";
import { monitorUser } from "../plan/monitor-user.ts";
import { DYNAMIC } from "../plan/network-settings.ts";
import type { PlanInput, PlanNetwork } from "../plan/plan-input.ts";
import { messageOf } from "../sys/errors.ts";
import { close } from "../sys/file.ts";
import { lockNamespace, NAMESPACE_LOCK_MS, networkNamespaceNameOf } from "../sys/namespace.ts";
import { type Attachment, attachmentOf, connect, describe, hasGone, recordOf } from "./network-attachment.ts";
import type { NetworkRecord, NicRecord } from "./network-record.ts";
import { toldOf } from "./network-told.ts";
import { undoNics } from "./network-undo.ts";

/** A line for the log. `loss`: the guest does not get something, which is a warning unless the configuration is strict. */
export type Note = (level: "info" | "warning" | "loss", text: string) => void;

export interface NetworkInput {
  /** What the plan without network was made of. */
  readonly planning: PlanInput;
  readonly plan: LaunchPlan;
  /** What making that plan has warned of already. */
  readonly warnings: readonly string[];
  /** The network namespace this process is in, open; it is closed here, or by execve. */
  readonly namespace: number;
  /** One that is open is closed by execve. */
  readonly proc: ProcSource;
  /** The one `create` was called in. */
  readonly callersNetwork: string;
  /** The container's directory; its taps are named after it. */
  readonly directory: string;
  /** Gives away a record for `delete`. What it tells may be done when the function that this returns has returned. */
  readonly keep: (record: string) => () => void;
}

/** The plan to carry out. */
export interface ConnectedPlan {
  readonly plan: LaunchPlan;
  /** Descriptors that the monitor inherits: its taps and what keeps them. */
  readonly inherited: readonly number[];
}

/** Where the work is done. */
interface Place {
  readonly input: NetworkInput;
  /** Name of the namespace. */
  readonly namespace: string;
  readonly socket: NetlinkSocket;
  /** What the guest is told beside its addresses. */
  readonly told: Told;
  readonly note: Note;
}

/** Attempts, each with a new look at the namespace: the lock keeps others of ours out, but no monitor from ending. */
const ATTEMPTS = 5;

/**
 * Reads the network of the namespace this process is in and hands it to the guest: a tap for each interface, and the
 * plan is made again with them.
 *
 * @throws RuntimeFailure `network`, or with the reasons why the guest cannot run with this network.
 */
export function connectNetwork(input: NetworkInput, say: Note): ConnectedPlan {
  const without = { plan: input.plan, inherited: [] };
  const note = saidOnce(say);
  if (input.plan.network?.mode === "none") {
    note("info", "The guest has no nic: its network mode is none");
    return without;
  }
  const own = input.namespace;
  try {
    const namespace = networkNamespaceNameOf(own);
    if (namespace === input.callersNetwork) {
      note("info", "The guest has no nic: the container shares the host's network, which is not the guest's to take");
      return without;
    }
    // Containers of one pod may be started at once.
    if (!lockNamespace(own)) throw lockHeld(namespace);
    const socket = openNetlinkSocket();
    try {
      return attachAny({ input, namespace, socket, told: toldOf(input.planning, note), note }, ATTEMPTS);
    } finally {
      socket.close();
    }
  } finally {
    close(own);
  }
}

function lockHeld(namespace: string): RuntimeFailure {
  const holder = "another process holds the lock of the network namespace (flock(2) of its /proc/PID/ns/net)";
  return new RuntimeFailure(
    "network",
    `Lock ${namespace}: not free within ${NAMESPACE_LOCK_MS / 1000} s: ${holder}: end it, /proc/locks has its pid, and start again`,
    {
      kind: "system",
    },
  );
}

/** What another attempt would say again is not said again. */
function saidOnce(note: Note): Note {
  const said = new Set<string>();
  return (level, text) => {
    if (said.has(text)) return;
    said.add(text);
    note(level, text);
  };
}

/** @param attempts that are left, this one among them. */
function attachAny(place: Place, attempts: number): ConnectedPlan {
  const attachments = chooseAttachments(place);
  return attachments.length === 0
    ? { plan: place.input.plan, inherited: [] }
    : attach(place, attachments, attempts - 1);
}

function chooseAttachments({ input, socket, told, note }: Place): readonly Attachment[] {
  const facts = readNamespaceNetwork(socket);
  const choice = chooseNetworks(facts, told, (name) => parseTapName(name) !== undefined);
  if ("reason" in choice) {
    note("info", `The guest has no nic: ${choice.reason}`);
    return [];
  }
  const around = { directory: input.directory, settings: input.plan.network ?? DYNAMIC, facts, socket };
  return choice.candidates.flatMap((candidate, index) => {
    const attachment = attachmentOf(around, candidate, index === 0);
    if (typeof attachment !== "string") return [attachment];
    note("loss", `The guest has no nic for ${candidate.link.name}: ${attachment}`);
    return [];
  });
}

/** An attachment that guest and monitor take, and the descriptor of its tap. */
interface Taken {
  readonly attachment: Attachment;
  readonly nic: Nic;
  readonly fd: number;
}

/**
 * The guest's plan with these networks, carried out as far as the network goes.
 *
 * @param attempts that are left should something of it have gone meanwhile.
 */
function attach(place: Place, attachments: readonly Attachment[], attempts: number): ConnectedPlan {
  const { input, socket, note } = place;
  const networks = attachments.map(({ network, hash }) => ({ guest: network, tap: tapName(hash), fd: openTun() }));
  // Another process writes the record while this one plans.
  const awaitKept = keepRecord(place, attachments);
  let taken: readonly Taken[] = [];
  let own: readonly Attachment[] = [];
  let plan: LaunchPlan;
  try {
    plan = planWith(place, networks);
    taken = takenOf(plan, attachments, networks);
    own = taken.map(({ attachment }) => attachment);
  } finally {
    awaitKept();
    if (own.length < attachments.length) keepRecord(place, own)();
  }
  if (taken.length === 0) return { plan, inherited: [] };
  try {
    for (const { attachment, nic, fd } of taken) {
      makeTap(fd, nic.tap, nic.fd !== undefined, monitorUser(plan));
      const tap = { name: nic.tap, index: socket.indexOf(nic.tap) };
      closeTap(socket, input.proc, tap);
      connect(socket, attachment, tap);
    }
    refuseLost(socket, own);
  } catch (error) {
    for (const { fd } of taken) close(fd);
    try {
      undoNics(socket, nicRecords(place, own));
    } catch (undoError) {
      note("warning", `Undo network: ${messageOf(undoError)}`);
    }
    if (attempts > 0 && attachments.some((attachment) => hasGone(socket, attachment)))
      return attachAny(place, attempts);
    const others = attachments.filter(({ way }) => way !== "routed");
    if (others.length === attachments.length || !(error instanceof RuntimeFailure)) throw error;
    // Not every kernel can: a guest on such a device runs without nic, as on any other that has no frames.
    note("loss", `The guest has no nic for ${attachments[0]?.link.name}: ${error.message}`);
    return others.length === 0 ? { plan: input.plan, inherited: [] } : attach(place, others, attempts);
  }
  for (const { attachment, nic, fd } of taken) {
    note("info", `The guest has ${describe(attachment)}, by ${nic.tap}`);
    if (nic.fd === undefined) close(fd);
  }
  const taps = taken.flatMap(({ nic }) => nic.fd ?? []);
  return { plan, inherited: taps.length === 0 ? [] : [...taps, ...closeByWorker(taps)] };
}

function keepRecord(place: Place, attachments: readonly Attachment[]): () => void {
  const { input, namespace, socket } = place;
  const path = input.planning.spec.linux.namespaces.find(({ type }) => type === "network")?.path ?? "";
  const cookie = socket.namespaceCookie();
  const nics = nicRecords(place, attachments);
  const record: NetworkRecord = { namespace, ...(cookie === undefined ? {} : { cookie }), path, nics };
  return input.keep(JSON.stringify(record));
}

function nicRecords({ input }: Place, attachments: readonly Attachment[]): readonly NicRecord[] {
  const isHanded = MONITORS[input.planning.metadata.monitor].tap === "descriptor";
  return attachments.map((attachment) => recordOf(attachment, isHanded));
}

/** The next to start gets an interface that a unikernel has left: this one, not one after it. */
function refuseLost(socket: NetlinkSocket, attachments: readonly Attachment[]): void {
  const lost = attachments.find((attachment) => attachment.way === "private" && hasGone(socket, attachment));
  if (lost === undefined) return;
  throw new RuntimeFailure("network", `Connect to ${lost.link.name}: what has it goes away again and again`, {
    kind: "system",
  });
}

/** Those that became nics; the descriptors of the others are closed. */
function takenOf(
  plan: LaunchPlan,
  attachments: readonly Attachment[],
  networks: readonly PlanNetwork[],
): readonly Taken[] {
  return attachments.flatMap((attachment, index) => {
    const network = networks[index];
    if (network === undefined) return [];
    const nic = plan.nics.find(({ tap }) => tap === network.tap);
    if (nic !== undefined) return [{ attachment, nic, fd: network.fd }];
    close(network.fd);
    return [];
  });
}

function planWith({ input, note }: Place, networks: readonly PlanNetwork[]): LaunchPlan {
  const planned = makePlan({ ...input.planning, networks });
  if (!planned.ok) throw failureOf("Network of the guest", planned.problems);
  for (const warning of few(planned.warnings, "warnings"))
    if (!input.warnings.includes(warning)) note("warning", warning);
  return planned.value;
}
