import { type CgroupEntrance, closeEntrance } from "../cgroups/make.ts";
import { RuntimeFailure } from "../failure.ts";
import { timestamp } from "../log.ts";
import { makeDeviceTree } from "../sandbox/device-tree.ts";
import { checkLabels } from "../sandbox/labels.ts";
import { setScheduling } from "../sandbox/scheduling.ts";
import { prepareStorage } from "../storage/prepare.ts";
import { undoStorage } from "../storage/undo.ts";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, PR_SET_DUMPABLE, S_IFMT, S_IFREG, SOCK_SEQPACKET } from "../sys/constants.ts";
import { type Deadline, deadlineIn } from "../sys/deadline.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, closeQuietly, fstatat, openDirectory, removeIfPresent, replaceFile } from "../sys/file.ts";
import { isHostRoot } from "../sys/host-root.ts";
import { networkNamespaceName } from "../sys/namespace.ts";
import { geteuid, prctl, waitpid } from "../sys/process.ts";
import { bindUnix, listen, socketpair, unixSocket } from "../sys/socket.ts";
import { SPEC_VERSION } from "../version.ts";
import type { UnikernelBundle } from "./bundle.ts";
import { CGROUP_RECORD } from "./cgroup-record.ts";
import { type CleanupStack, cleanupStack } from "./cleanup.ts";
import { type CallersSocket, type Console, connectToCallers, openConsole, sendConsole, sendPidfd } from "./console.ts";
import {
  asHookRunner,
  type ContainerDirectory,
  checkId,
  INIT_SOCKET,
  makeContainerDirectory,
  removeContainerDirectory,
  writeProcessLink,
  writeRecord,
} from "./container-directory.ts";
import { runHooks, runPoststopHooks } from "./hooks.ts";
import { runInit } from "./init.ts";
import { withWarnings } from "./kept-warnings.ts";
import { loserOf } from "./losses.ts";
import { limitContainer, makeContainerCgroup, placeCgroup, startScope } from "./make-cgroup.ts";
import { type MonitorIdentity, takeMonitorIdentity } from "./monitor-identity.ts";
import { cloneIntoNamespaces, type NamespaceSet, openNamespaces } from "./namespaces.ts";
import { identityOfPid, killProcess, type ProcessIdentity } from "./process.ts";
import { initEnded, receive, receiveWithin, send } from "./protocol.ts";
import type { ContainerRecord } from "./record.ts";
import type { Timestamps } from "./timestamps.ts";
import { settleUserNamespace } from "./user-namespace.ts";

/** For what the init does before it waits: some calls of the kernel. */
const READY_TIMEOUT_MS = 30_000;

export interface CreateOptions {
  readonly root: string;
  readonly id: string;
  readonly bundle: UnikernelBundle;
  readonly consoleSocket?: string;
  /** Keep the terminal's master instead of sending it away (`run` in the foreground). */
  readonly keepConsole: boolean;
  readonly pidfdSocket?: string;
  readonly pidFile?: string;
  /** systemd makes the cgroup. */
  readonly systemdCgroup: boolean;
  readonly timestamps: Timestamps;
  readonly warn: (message: string) => void;
}

export interface CreatedContainer {
  readonly directory: ContainerDirectory;
  readonly record: ContainerRecord;
  /** pidfd of the init. */
  readonly pidfd: number;
  /** The terminal's master, if it was to be kept. */
  readonly master?: number;
}

/**
 * Makes a container: state directory, namespaces and the init that waits in them. What was made is undone in reverse
 * when a step fails. The container's lock is held when this returns.
 *
 * @throws RuntimeFailure of the step that failed.
 */
export function createContainer(given: CreateOptions): CreatedContainer {
  const told: string[] = [];
  const warn = (message: string) => {
    told.push(message);
    given.warn(message);
  };
  const options: CreateOptions = { ...given, warn };
  const { bundle, timestamps } = options;
  checkId(options.id);
  checkTerminal(options);
  const namespaces = openNamespaces(bundle.plan, hasCreateHooks(options));
  checkRights(namespaces);
  checkLabels(bundle.plan);
  const callers = connectToCallers(options);
  let cgroup = mayPlace(options) ? placeCgroup(bundle.plan, options.id, options.systemdCgroup) : undefined;
  const callersNetwork = networkNamespaceName();
  const cleanup = cleanupStack();
  try {
    let hooksBegun = false;
    cleanup.push(() => {
      const container = { id: options.id, bundle: bundle.path, annotations: bundle.annotations };
      if (hooksBegun) runPoststopHooks(bundle.spec.hooks.poststop, container, options.warn);
    });
    const directory = makeContainerDirectory(options.root, options.id);
    cleanup.push((hasFailed) => {
      if (!hasFailed) removeContainerDirectory(directory);
      else
        options.warn(
          `${directory.path} keeps what could not be undone: urunc delete --force ${options.id} tries again`,
        );
    });
    timestamps.stamp("CR.initial_setup");
    let entrance: CgroupEntrance | undefined;
    try {
      if (cgroup !== undefined) {
        entrance = makeContainerCgroup(directory.fd, cgroup, bundle.plan.memory, cleanup);
      }
    } catch (error) {
      stayOrThrow(error, options);
      removeIfPresent(directory.fd, CGROUP_RECORD);
      cgroup = undefined;
    }
    // Its removal may need descriptors, of which there may be no more.
    let isEntranceOpen = entrance !== undefined;
    cleanup.push(() => {
      if (entrance !== undefined && isEntranceOpen) closeEntrance(entrance);
    });
    if (bundle.plan.takes.length > 0)
      cleanup.push(() => undoStorage(directory.fd, { force: false, warn: options.warn }));
    const monitor = takeMonitorIdentity(bundle.plan, directory, cleanup, warn);
    const storage = prepareStorage(bundle.plan, directory.fd, loserOf(bundle.planning, warn));
    cleanup.push(() => storage.close());
    const listener = listenForStart(directory);
    const console = bundle.plan.terminal ? openConsole(bundle.spec.process.consoleSize) : undefined;
    if (console !== undefined) cleanup.push(() => closeQuietly(console.master));
    const [creator, init] = socketpair(SOCK_SEQPACKET);
    const hostRoot = !namespaces.hasUser || isHostRoot();
    const devices = namespaces.hasUser && hostRoot ? makeDeviceTree(bundle.plan) : undefined;

    timestamps.stamp("CR.start_reexec");
    // Inherited by the init: processes of a pid namespace that it shares must not look into it while it holds host files
    // (CVE-2016-9962), not even before its first call. Whoever is not the host's root could not write the ids of an
    // undumpable process (proc(5), /proc/pid).
    if (hostRoot) prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    const live = (): never => {
      // What has been made is create's to undo: its init has nothing of it but a copy of this list.
      cleanup.release();
      return runInit({
        // The lock belongs to the open directory, which a fork shares.
        others: [
          directory.fd,
          creator,
          ...(console === undefined ? [] : [console.master]),
          ...[callers.console, callers.pidfd].flatMap((socket) => (socket === undefined ? [] : [socket.fd])),
        ],
        id: options.id,
        bundle: bundle.path,
        annotations: bundle.annotations,
        ...withMonitorId(bundle, monitor),
        warnings: bundle.warnings,
        callersNetwork,
        hooks: bundle.spec.hooks,
        storage,
        namespaces,
        ...(entrance === undefined ? {} : { entrance }),
        awaitsPlace: cgroup?.scope !== undefined,
        creator: init,
        listener,
        scratch: directory.path,
        mark: directory.mark,
        timestamps,
        ...(devices === undefined ? {} : { devices }),
        ...(monitor === undefined ? {} : { ownerMap: monitor.ownerMap }),
        ...(console === undefined ? {} : { terminal: console.slave }),
      });
    };
    const child = cloneIntoNamespaces(namespaces, live, entrance?.v2);
    const identity = identityOfPid(child.pid, child.pidfd);
    cleanup.push(() => endInit(identity));
    writeProcessLink(directory, identity);
    timestamps.stamp("CR.received_pids");
    for (const fd of [
      init,
      listener,
      ...(devices === undefined ? [] : [devices]),
      ...namespaces.joined.map(({ fd }) => fd),
    ])
      close(fd);
    if (console !== undefined) close(console.slave);
    if (entrance !== undefined) closeEntrance(entrance);
    isEntranceOpen = false;
    storage.close();
    monitor?.close();
    if (cgroup !== undefined) {
      startScope(directory, cgroup, bundle.plan.memory, child.pid, cleanup);
      limitContainer(cgroup, bundle.plan);
      if (cgroup.scope !== undefined) send(creator, "placed");
    }

    setScheduling(bundle.plan, child.pid);
    if (namespaces.hasUser) {
      settleUserNamespace(child.pid, bundle.plan);
      send(creator, "mapped");
    }
    awaitReady(creator, deadlineIn(READY_TIMEOUT_MS));
    const record = recordOf(options, identity, { hasCgroup: cgroup !== undefined, warnings: told, monitor });
    if (hasCreateHooks(options)) {
      // Hooks may ask for the state.
      writeRecord(directory, { ...record, status: "creating" });
      hooksBegun = true;
      asHookRunner(directory, () => runCreateHooks(options, child.pid, creator));
    }
    timestamps.stamp("CR.hooks_executed");
    writeRecord(directory, record);
    if (options.pidFile !== undefined) writePidFile(options.pidFile, child.pid, cleanup);
    if (callers.pidfd !== undefined) sendPidfd(callers.pidfd, child.pidfd);
    const master = handOverConsole(callers.console, console);
    send(creator, "created");
    timestamps.stamp("CR.sent_ack");
    close(creator);
    cleanup.release();
    return { directory, record, pidfd: child.pidfd, ...(master === undefined ? {} : { master }) };
  } catch (error) {
    cleanup.unwind((undoError) => options.warn(`Undo create: ${messageOf(undoError)}`));
    throw error;
  }
}

function withMonitorId({ plan, planning }: UnikernelBundle, monitor: MonitorIdentity | undefined) {
  if (monitor === undefined) return { plan, planning };
  const { id } = monitor;
  return { plan: { ...plan, monitorId: id }, planning: { ...planning, monitorId: id } };
}

/** runc's rule: without root's rights there are no namespaces but in a user namespace. */
function checkRights({ hasUser }: NamespaceSet): void {
  if (hasUser || geteuid() === 0) return;
  const message = "rootless containers require user namespaces: add one to linux.namespaces, with its mappings";
  throw new RuntimeFailure("rootless", message);
}

const STAYS = "linux.resources, linux.cgroupsPath: without root's rights the container stays in the caller's cgroup";

/** Cgroups are the host's root's to make: others leave the container in their own. */
function mayPlace({ bundle, warn }: CreateOptions): boolean {
  if (geteuid() === 0) return true;
  if (bundle.plan.cgroup !== undefined) {
    warn(STAYS);
  }
  return false;
}

/** Root of a user namespace may have been given cgroups, or not: then the container stays in the caller's. */
function stayOrThrow(error: unknown, { warn }: CreateOptions): void {
  const refused = error instanceof RuntimeFailure && isSysError(error.cause, "EACCES", "EPERM", "EROFS");
  if (!refused || isHostRoot()) throw error;
  warn(`${STAYS}: ${messageOf(error)}`);
}

/** Who keeps the other end of a terminal must be known before anything is made (runc's rule and words). */
function checkTerminal(options: CreateOptions): void {
  const wanted = options.bundle.plan.terminal;
  if (wanted && options.consoleSocket === undefined && !options.keepConsole) {
    throw new RuntimeFailure("console", "cannot allocate tty if urunc will detach without setting console socket");
  }
  if (!wanted && options.consoleSocket !== undefined) {
    throw new RuntimeFailure("console", "cannot use console socket if process.terminal of config.json is not true");
  }
}

/**
 * The socket `start` connects to. It is bound through the open directory, since a path of the file system may be
 * longer than the 107 bytes a socket address has room for (unix(7)).
 */
function listenForStart(directory: ContainerDirectory): number {
  const listener = unixSocket(SOCK_SEQPACKET);
  bindUnix(listener, `/proc/self/fd/${directory.fd}/${INIT_SOCKET}`);
  listen(listener, 1);
  return listener;
}

/** @param deadline none while it runs hooks, which may take as long as the bundle lets them. */
function awaitReady(creator: number, deadline?: Deadline): void {
  const message = deadline === undefined ? receive(creator) : receiveWithin(creator, deadline);
  if (message === undefined) {
    const why = "is it stopped, or a cgroup above it frozen?";
    throw new RuntimeFailure("init", `Init of the container is not ready after ${READY_TIMEOUT_MS / 1000} s: ${why}`, {
      kind: "system",
    });
  }
  if (message.type === "ready") return;
  throw message.type === "error" ? new RuntimeFailure("init", message.text) : initEnded();
}

function hasCreateHooks({ bundle }: CreateOptions): boolean {
  const { prestart, createRuntime, createContainer } = bundle.spec.hooks;
  return prestart.length + createRuntime.length + createContainer.length > 0;
}

/** runtime-spec, runtime.md#lifecycle: prestart and createRuntime here, createContainer in the container. */
function runCreateHooks(options: CreateOptions, pid: number, creator: number): void {
  const { hooks } = options.bundle.spec;
  const state = {
    id: options.id,
    status: "creating",
    pid,
    bundle: options.bundle.path,
    annotations: options.bundle.annotations,
  } as const;
  runHooks("prestart", hooks.prestart, state);
  runHooks("createRuntime", hooks.createRuntime, state);
  send(creator, "hooks");
  awaitReady(creator);
}

interface RecordParts {
  readonly hasCgroup: boolean;
  readonly warnings: readonly string[];
  readonly monitor: MonitorIdentity | undefined;
}

function recordOf(
  options: CreateOptions,
  identity: ProcessIdentity,
  { hasCgroup, warnings, monitor }: RecordParts,
): ContainerRecord {
  const { bundle } = options;
  const hasPids = bundle.plan.namespaces.some(({ type, path }) => type === "pid" && path === undefined);
  return {
    ociVersion: SPEC_VERSION,
    id: options.id,
    status: "created",
    pid: identity.pid,
    bundle: bundle.path,
    rootfs: bundle.plan.rootfs,
    created: timestamp(),
    annotations: withWarnings(bundle.annotations, warnings),
    urunc: {
      startTime: identity.startTime,
      ...(identity.inode === undefined ? {} : { inode: identity.inode }),
      poststart: bundle.spec.hooks.poststart,
      poststop: bundle.spec.hooks.poststop,
      ...(bundle.plan.control === undefined ? {} : { control: bundle.plan.control }),
      ...(hasPids || hasCgroup ? {} : { isMarked: true as const }),
      ...(bundle.timestamps === undefined ? {} : { timestamps: bundle.timestamps }),
      ...(bundle.planning.configuration.log.syslog ? { syslog: true } : {}),
      ...(monitor === undefined ? {} : { monitorUser: { id: monitor.id, container: monitor.container } }),
    },
  };
}

/** A pipe, a device, a link: somebody put it there for another purpose. */
function checkReplaceable(directory: number, name: string, path: string): void {
  try {
    if ((fstatat(directory, name, AT_SYMLINK_NOFOLLOW).mode & S_IFMT) === S_IFREG) return;
  } catch (error) {
    if (isSysError(error, "ENOENT")) return;
    throw error;
  }
  throw new RuntimeFailure("pid-file", `Pid file ${path}: it is there and no regular file: name another one`);
}

/** Decimal pid without newline, in one step: the caller may be watching the file. */
function writePidFile(path: string, pid: number, cleanup: CleanupStack): void {
  try {
    const cut = path.lastIndexOf("/");
    const directory = openDirectory(cut < 0 ? "." : path.slice(0, cut + 1));
    const name = path.slice(cut + 1);
    try {
      checkReplaceable(directory, name, path);
      replaceFile(directory, name, String(pid), { mode: 0o644, durable: false });
    } finally {
      close(directory);
    }
  } catch (error) {
    if (error instanceof RuntimeFailure) throw error;
    throw new RuntimeFailure("pid-file", `Write pid file ${path}: ${messageOf(error)}`, { cause: error });
  }
  cleanup.push(() => removeIfPresent(AT_FDCWD, path));
}

function handOverConsole(socket: CallersSocket | undefined, console: Console | undefined): number | undefined {
  if (console === undefined) return undefined;
  if (socket === undefined) return console.master;
  sendConsole(socket, console);
  close(console.master);
  return undefined;
}

function endInit(identity: ProcessIdentity): void {
  killProcess(identity);
  waitpid(identity.pid, 0);
}
