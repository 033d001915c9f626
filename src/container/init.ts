import { type CgroupEntrance, enterCgroup } from "../cgroups/make.ts";
import { RuntimeFailure } from "../failure.ts";
import type { ProcSource } from "../network/close-tap.ts";
import type { Personality, Spec } from "../oci/spec.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { monitorUser } from "../plan/monitor-user.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import { type Label, openLabels, setLabels } from "../sandbox/labels.ts";
import { dropPrivileges, setOomScore } from "../sandbox/privileges.ts";
import { enterMonitorRoot } from "../sandbox/root.ts";
import { confineCalls } from "../sandbox/seccomp.ts";
import { startShareServer } from "../sandbox/share-server.ts";
import { setSysctls } from "../sandbox/sysctls.ts";
import type { PreparedStorage } from "../storage/prepare.ts";
import { PR_SET_DUMPABLE } from "../sys/constants.ts";
import { messageOf } from "../sys/errors.ts";
import { close, dup2, openDirectory, setCloexec } from "../sys/file.ts";
import { isInInitialUserNamespace, networkNamespaceNameOf, openOwnNetworkNamespace } from "../sys/namespace.ts";
import {
  execve,
  exit,
  getpid,
  personality,
  prctl,
  resetSignalHandlers,
  setdomainname,
  sethostname,
  setProcessName,
  setresgid,
  setresuid,
  setSignalMask,
  setsid,
  signalfd,
} from "../sys/process.ts";
import { ENDING_SIGNALS } from "../sys/signals.ts";
import { peerCredentials } from "../sys/socket.ts";
import { setControllingTerminal } from "../sys/terminal.ts";
import { runHooks } from "./hooks.ts";
import { letGoOfMounts } from "./let-go.ts";
import { loserOf } from "./losses.ts";
import { joinMounts, type MakeMounts } from "./mount-namespace.ts";
import { joinNamespaces, type NamespaceSet } from "./namespaces.ts";
import { connectNetwork } from "./network.ts";
import { INIT_NAME } from "./process.ts";
import { receive, send, sendNote, sendRecord } from "./protocol.ts";
import { makeTimeNamespace } from "./time-namespace.ts";
import type { Timestamps } from "./timestamps.ts";
import { awaitStart, endIfSignalled, fail } from "./wait-for-start.ts";

/** linux/personality.h */
const PERSONAS: Readonly<Record<Personality, number>> = { LINUX: 0, LINUX32: 8 };

/** What `create` hands to the process it leaves waiting. */
export interface InitInput {
  readonly id: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** Without network. */
  readonly plan: LaunchPlan;
  readonly planning: PlanInput;
  readonly warnings: readonly string[];
  /** The network namespace `create` was called in. */
  readonly callersNetwork: string;
  readonly hooks: Spec["hooks"];
  readonly storage: PreparedStorage;
  readonly namespaces: NamespaceSet;
  /** The way into the container's cgroup; absent where it has none. */
  readonly entrance?: CgroupEntrance;
  /** `create` has this process put into its cgroup, and says when that is done. */
  readonly awaitsPlace: boolean;
  /** Init's end of the socketpair with `create`. */
  readonly creator: number;
  /** Open descriptors of `create` that the init closes first of all. */
  readonly others: readonly number[];
  /** The listening init.sock. */
  readonly listener: number;
  /** Slave of the container's terminal. */
  readonly terminal?: number;
  /** A directory of ours that the monitor's root may cover in our mount namespace. */
  readonly scratch: string;
  /** Source of the mount of the monitor's root. */
  readonly mark: string;
  readonly timestamps: Timestamps;
  /** User namespace for mounts of what only the bundle's user may use, where the monitor is another. */
  readonly ownerMap?: number;
  /** Device nodes on a detached mount, where the init has no right to make any. */
  readonly devices?: number;
}

/** What is found out before other mounts than the caller's are joined, for the time after `start`. */
interface Prepared {
  readonly labels: readonly Label[];
  /** The container's network namespace, open. */
  readonly namespace: number;
  readonly proc: ProcSource;
  /** Whether ids are the host's, in no user namespace. */
  readonly hostIds: boolean;
  readonly makeMounts: MakeMounts;
}

/**
 * The container's process from clone3 to execve: it joins the namespaces, waits for `start`, carries out the rest of
 * the plan and becomes the monitor.
 */
export function runInit(input: InitInput): never {
  let owner: number;
  let prepared: Prepared;
  let signals: number;
  try {
    input.timestamps.stamp("RX.create_invoked");
    for (const fd of input.others) close(fd);
    prepared = prepare(input);
    input.timestamps.stamp("RX.close_pipes_and_setup_base");
    owner = peerCredentials(input.creator).uid;
    // pid 1 of a namespace gets no signal it has no handler for (pid_namespaces(7)): it has to end itself.
    setSignalMask(ENDING_SIGNALS);
    signals = signalfd(ENDING_SIGNALS);
    // Whatever the wait needs is there now: what can fail has failed before the container is said to be created.
    send(input.creator, "ready");
    awaitCreated(input);
    input.timestamps.stamp("RX.received_ack");
  } catch (error) {
    fail(input.creator, error);
  }
  const starter = awaitStart(input.listener, owner, signals);
  try {
    becomeMonitor(input, prepared, starter, signals);
  } catch (error) {
    fail(starter, error);
  }
}

function prepare(input: InitInput): Prepared {
  const { plan, namespaces } = input;
  setProcessName(INIT_NAME);
  if (input.entrance !== undefined) enterCgroup(input.entrance);
  if (input.awaitsPlace && receive(input.creator).type !== "placed") exit(1);
  if (namespaces.timeOffsets !== undefined) makeTimeNamespace(namespaces.timeOffsets);
  if (namespaces.hasUser) {
    becomeRoot(input.creator);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  }
  setsid();
  // Now, not at start: a caller may read create's stdout and stderr to their end.
  if (input.terminal !== undefined) takeTerminal(input.terminal);
  // Whatever is read from or written to /proc is so before mounts are joined: those of a mount namespace that others
  // have made may show anything in its place (CVE-2025-52881).
  if (!namespaces.hasUser) setOomScore(plan, "self");
  const labels = openLabels(plan);
  joinNamespaces(namespaces);
  const namespace = openOwnNetworkNamespace();
  setSysctls(plan, networkNamespaceNameOf(namespace) === input.callersNetwork);
  const hostIds = isInInitialUserNamespace();
  // An open one is in use, so that its owner could not unmount it. In a user namespace it stays in use anyway.
  const isOthers = namespaces.joined.some(({ type }) => type === "mount");
  const proc = namespaces.hasUser ? openDirectory("/proc") : isOthers ? "own" : "at /proc";
  const makeMounts = joinMounts(namespaces, input.scratch);
  if (plan.personality !== undefined) personality(PERSONAS[plan.personality]);
  if (plan.hostname !== undefined) sethostname(plan.hostname);
  if (plan.domainname !== undefined) setdomainname(plan.domainname);
  return { labels, namespace, proc, hostIds, makeMounts };
}

/** In a new user namespace a process is nobody until its ids are mapped. */
function becomeRoot(creator: number): void {
  if (receive(creator).type !== "mapped") exit(1);
  setresgid(0, 0, 0);
  setresuid(0, 0, 0);
}

/** Until `create` says that the container is made: it may want hooks run here first. */
function awaitCreated(input: InitInput): void {
  for (;;) {
    const message = receive(input.creator);
    if (message.type === "created") break;
    // `create` was killed or failed: what it made is undone or left to `delete`, but nobody will start us.
    if (message.type !== "hooks") exit(1);
    runHooks("createContainer", input.hooks.createContainer, hookState(input, "creating"));
    letGoOfMounts(input);
    send(input.creator, "ready");
  }
  close(input.creator);
}

function hookState(input: InitInput, status: "creating" | "created") {
  return { id: input.id, status, pid: getpid(), bundle: input.bundle, annotations: input.annotations };
}

function becomeMonitor(input: InitInput, prepared: Prepared, starter: number, signals: number): never {
  const { timestamps } = input;
  const { labels, namespace, proc, hostIds, makeMounts } = prepared;
  timestamps.stamp("RX.received_start_msg");
  // The namespaces were joined at `create`. CNI may have been at work since.
  timestamps.stamp("RX.joined_netns");
  makeMounts();
  const lost = loserOf(input.planning, (text) => sendNote(starter, "warning", text));
  const { plan, inherited: ofNetwork } = connectNetwork(
    { ...input, namespace, proc, directory: input.scratch, keep: (record) => sendRecord(starter, record) },
    (level, text) => (level === "loss" ? lost(text) : sendNote(starter, level, text)),
  );
  timestamps.stamp("RX.network_setup_completed");
  // Of the host's directories the rootfs is one that the container's own root can reach.
  const { devices, ownerMap } = input;
  const { copies } = input.storage;
  const listener = enterMonitorRoot(
    plan,
    input.namespaces.hasUser ? plan.rootfs : input.scratch,
    { devices, copies, ownerMap, mark: input.mark },
    lost,
  );
  timestamps.stamp("RX.disk_setup_completed");
  runHooks("startContainer", input.hooks.startContainer, hookState(input, "created"));
  const inherited = [...ofNetwork, ...input.storage.claims];
  if (listener !== undefined) inherited.push(startShareServer(plan, listener, hostIds));
  dropPrivileges(plan, hostIds, monitorUser(plan));
  // As pid 1 of its namespace the monitor would not get one that came before it had a handler.
  endIfSignalled(signals);
  resetSignalHandlers();
  setSignalMask([]);
  for (const fd of inherited) setCloexec(fd, false);
  send(starter, "exec");
  timestamps.stamp("RX.execve_hypervisor");
  setLabels(labels);
  if (plan.seccomp) confineCalls(plan.monitor);
  try {
    execve(plan.exec.path, plan.exec.argv, plan.exec.env);
  } catch (error) {
    throw new RuntimeFailure("exec", `Execute monitor: ${messageOf(error)}`, { kind: "system", cause: error });
  }
}

function takeTerminal(slave: number): void {
  for (const fd of [0, 1, 2]) dup2(slave, fd);
  setControllingTerminal(0);
  close(slave);
}
