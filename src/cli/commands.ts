import type { Command } from "./command.ts";
import { CHECKPOINT, CREATE, PROCESS, UPDATE } from "./flags.ts";

const ONE_ID = { usage: "ID", arguments: { min: 1, max: 1 } } as const;
const foreign = () => import("../commands/foreign.ts");
const pause = () => import("../commands/pause.ts");

/** Every verb. Its code is loaded when it is called, so that none pays for another. */
export const COMMANDS: readonly Command[] = [
  {
    name: "create",
    summary: "prepare a container: everything but the monitor runs afterwards",
    ...ONE_ID,
    flags: CREATE,
    load: () => import("../commands/create.ts"),
  },
  {
    name: "start",
    summary: "start the monitor of a created container",
    ...ONE_ID,
    flags: [],
    load: () => import("../commands/start.ts"),
  },
  {
    name: "state",
    summary: "print the state of a container as JSON",
    ...ONE_ID,
    flags: [],
    load: () => import("../commands/state.ts"),
  },
  {
    name: "kill",
    summary: "send a signal (default SIGTERM) to the container's process",
    usage: "ID [SIGNAL]",
    arguments: { min: 1, max: 2 },
    flags: [{ name: "all", short: "a", help: "to every process of the container; a stopped one is no error then" }],
    load: () => import("../commands/kill.ts"),
  },
  {
    name: "delete",
    summary: "remove what create made",
    ...ONE_ID,
    flags: [{ name: "force", short: "f", help: "kill the container first if it runs; an unknown id is no error" }],
    load: () => import("../commands/delete.ts"),
  },
  {
    name: "run",
    summary: "create and start a container, wait for its end and delete it",
    ...ONE_ID,
    flags: [
      ...CREATE,
      { name: "detach", short: "d", help: "return when the monitor runs" },
      { name: "keep", help: "do not delete the container after its end" },
      { name: "no-subreaper", help: "accepted for callers of runc" },
    ],
    load: () => import("../commands/run.ts"),
  },
  {
    name: "list",
    summary: "list the containers below the root directory, runc's too",
    usage: "",
    arguments: { min: 0, max: 0 },
    flags: [
      { name: "format", short: "f", value: "FORMAT", help: "table or json (default table)" },
      { name: "quiet", short: "q", help: "print ids only" },
    ],
    load: () => import("../commands/list.ts"),
  },
  {
    name: "ps",
    summary: "show the processes of a container",
    usage: "ID [PS-OPTIONS]",
    arguments: { min: 1, max: Number.POSITIVE_INFINITY },
    stopsAtArgument: true,
    flags: [{ name: "format", short: "f", value: "FORMAT", help: "table or json (default table)" }],
    load: () => import("../commands/ps.ts"),
  },
  {
    name: "spec",
    summary: "write the config.json of a unikernel bundle to start from",
    usage: "",
    arguments: { min: 0, max: 0 },
    flags: [
      { name: "bundle", short: "b", value: "DIR", help: "directory to write to (default: the working directory)" },
      { name: "rootless", help: "accepted for callers of runc" },
    ],
    load: () => import("../commands/spec.ts"),
  },
  {
    name: "features",
    summary: "print what this runtime can do, as the runtime-spec's features document",
    usage: "",
    arguments: { min: 0, max: 0 },
    flags: [],
    load: () => import("../commands/features.ts"),
  },
  {
    name: "plan",
    summary: "print what create and start would do for a bundle, and change nothing",
    usage: "",
    arguments: { min: 0, max: 0 },
    flags: [
      { name: "bundle", short: "b", value: "DIR", help: "directory of the bundle (default: the working directory)" },
      { name: "format", short: "f", value: "FORMAT", help: "text or json (default text)" },
    ],
    load: () => import("../commands/plan.ts"),
  },
  {
    name: "exec",
    summary: "run a process in a container of runc",
    usage: "ID [COMMAND ARGS...]",
    arguments: { min: 1, max: Number.POSITIVE_INFINITY },
    stopsAtArgument: true,
    flags: PROCESS,
    load: foreign,
  },
  { name: "pause", summary: "let a container stand still", ...ONE_ID, flags: [], load: pause },
  { name: "resume", summary: "let a paused container go on", ...ONE_ID, flags: [], load: pause },
  {
    name: "update",
    summary: "change the limits of a container",
    description: "The memory of a guest is fixed at create. --resources wins over the other options.",
    ...ONE_ID,
    flags: UPDATE,
    load: () => import("../commands/update.ts"),
  },
  {
    name: "events",
    summary: "print events and statistics of a container",
    ...ONE_ID,
    flags: [
      { name: "interval", value: "TIME", help: "time between two statistics, such as 500ms or 1m (default 5s)" },
      { name: "stats", help: "print one statistic and end" },
    ],
    load: () => import("../commands/events.ts"),
  },
  {
    name: "checkpoint",
    summary: "checkpoint a container of runc",
    ...ONE_ID,
    flags: [
      ...CHECKPOINT,
      { name: "leave-running", help: "leave-running of CRIU" },
      { name: "pre-dump", help: "pre-dump of CRIU" },
    ],
    load: foreign,
  },
  {
    name: "restore",
    summary: "restore a container of runc from a checkpoint",
    ...ONE_ID,
    flags: [
      ...CHECKPOINT,
      ...CREATE,
      { name: "detach", short: "d", help: "do not wait for the process" },
      { name: "no-subreaper", help: "no-subreaper of runc" },
      { name: "lsm-profile", value: "PROFILE", help: "lsm-profile of CRIU" },
      { name: "lsm-mount-context", value: "CONTEXT", help: "lsm-mount-context of CRIU" },
    ],
    load: foreign,
  },
];
