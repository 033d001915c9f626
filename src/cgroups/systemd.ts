import { BUS_NAME, hasLeft, isAbsence, isAnswer, jobEndOf } from "../dbus/answers.ts";
import type { Call, Incoming } from "../dbus/message.ts";
import type { DbusValue } from "../dbus/value.ts";
import { RuntimeFailure } from "../failure.ts";
import { deadlineIn, waitUntil } from "../sys/deadline.ts";
import { exists } from "../sys/file.ts";
import { Away, type Bus, busCall, openBus } from "./bus.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const MANAGER = `${SYSTEMD}.Manager`;
const UNIT_EXISTS = `${SYSTEMD}.UnitExists`;
/** For all that is asked, of a systemd that starts anew meanwhile too. */
const TIMEOUT_MS = 30_000;
/** Between two looks at whether it is back. */
const STEP_MS = 100;

type Property = readonly [name: string, value: DbusValue];

function manager(member: string, body: readonly DbusValue[]): Call {
  return { destination: SYSTEMD, path: "/org/freedesktop/systemd1", interface: MANAGER, member, body };
}

/** systemd tells the end of jobs to those only who ask for it. */
const WATCH: readonly Call[] = [
  busCall("AddMatch", [
    { type: "s", value: `type='signal',sender='${SYSTEMD}',interface='${MANAGER}',member='JobRemoved'` },
  ]),
  busCall("AddMatch", [
    { type: "s", value: `type='signal',sender='${BUS_NAME}',member='NameOwnerChanged',arg0='${SYSTEMD}'` },
  ]),
  manager("Subscribe", []),
];

/** Who systemd is on this bus; messages come by that name. */
const OWNER = busCall("GetNameOwner", [{ type: "s", value: SYSTEMD }]);

/** Exists where systemd is the first process (sd_booted(3)). */
const BOOTED = "/run/systemd/system";

/** The bus with systemd on it. */
interface Systemd {
  readonly bus: Bus;
  /** Unique name. */
  readonly name: string;
}

/** What systemd says against a call. */
interface Refusal {
  readonly name: string;
  readonly text: string;
}

/**
 * Starts a transient unit and returns when it is active: its processes are in its cgroup then.
 *
 * @param isStarted whether the unit is there by this call. A systemd that has started anew does not tell.
 * @throws RuntimeFailure `systemd`, `dbus`.
 */
export function startUnit(unit: string, properties: readonly Property[], isStarted: () => boolean): void {
  const call = manager("StartTransientUnit", [
    { type: "s", value: unit },
    { type: "s", value: "replace" },
    { type: "a(sv)", value: properties },
    { type: "a(sa(sv))" },
  ]);
  let tries = 0;
  withSystemd(`Start unit ${unit}`, (systemd, refuse) => {
    tries += 1;
    if (tries > 1 && isStarted()) return;
    let refusal = runJob(systemd, call, unit);
    if (refusal?.name === UNIT_EXISTS) {
      if (isStarted()) return;
      // One that failed is kept under its name until somebody has looked at it.
      ask(systemd, manager("ResetFailedUnit", [{ type: "s", value: unit }]));
      refusal = runJob(systemd, call, unit);
    }
    if (refusal === undefined) return;
    // The unit of the try before, of which a systemd that has started anew has kept the name and not yet the rest.
    if (refusal.name === UNIT_EXISTS && tries > 1) throw awayBecause(`${refusal.text} (${refusal.name})`);
    refuse(refusal);
  });
}

/** Stops a unit, so that nothing of it is left; one that is gone is no error. @throws RuntimeFailure as startUnit. */
export function stopUnit(unit: string): void {
  const name = { type: "s", value: unit } as const;
  withSystemd(`Stop unit ${unit}`, (systemd, refuse) => {
    const refusal = runJob(systemd, manager("StopUnit", [name, { type: "s", value: "replace" }]), unit);
    if (refusal !== undefined && refusal.name !== `${SYSTEMD}.NoSuchUnit`) refuse(refusal);
    ask(systemd, manager("ResetFailedUnit", [name]));
  });
}

/** Changes properties of a unit until it ends. @throws RuntimeFailure as startUnit. */
export function setUnitProperties(unit: string, properties: readonly Property[]): void {
  if (properties.length === 0) return;
  const call = manager("SetUnitProperties", [
    { type: "s", value: unit },
    { type: "b", value: true },
    { type: "a(sv)", value: properties },
  ]);
  withSystemd(`Change unit ${unit}`, (systemd, refuse) => {
    const refusal = ask(systemd, call);
    if (refusal !== undefined) refuse(refusal);
  });
}

/**
 * Talks with systemd, from the beginning again when it has started anew in between.
 *
 * @param step what every error begins with.
 */
function withSystemd(step: string, use: (systemd: Systemd, refuse: (refusal: Refusal) => never) => void): void {
  const refuse = ({ name, text }: Refusal) => {
    throw new RuntimeFailure("systemd", `${step}: systemd says: ${text} (${name})`, { kind: "system" });
  };
  const deadline = deadlineIn(TIMEOUT_MS);
  const converse = () => {
    const bus = openBus(deadline);
    try {
      bus.send(WATCH);
      const owner = receiveAnswer({ bus, name: BUS_NAME }, bus.send([OWNER]));
      if (owner.kind === "error") refuse(refusalOf(owner));
      use({ bus, name: String(owner.body[0]) }, refuse);
    } finally {
      bus.close();
    }
  };
  let away: Away | undefined;
  const isDone = () => {
    try {
      converse();
      return true;
    } catch (error) {
      // Where it is not what the machine was started with, it does not come back.
      if (!(error instanceof Away) || !exists(BOOTED)) throw error;
      away = error;
      return false;
    }
  };
  try {
    if (!waitUntil(isDone, deadline, STEP_MS)) throw away;
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.code !== "dbus") throw error;
    throw new RuntimeFailure("dbus", `${step}: ${error.message}`, { kind: "system", cause: error });
  }
}

/** The next message. @throws Away when systemd leaves. */
function receiveFrom({ bus, name }: Systemd): Incoming {
  const message = bus.receive();
  if (hasLeft(message, name)) throw awayBecause("it starts anew (daemon-reexec)");
  return message;
}

function receiveAnswer(callee: Systemd, serial: number): Incoming {
  for (;;) {
    const message = receiveFrom(callee);
    if (isAnswer(message, serial, callee.name)) return message;
  }
}

function awayBecause(why: string): Away {
  return new Away(`D-Bus: systemd is not there: ${why}`);
}

/** A call whose answer has no content. */
function ask(systemd: Systemd, call: Call): Refusal | undefined {
  const answer = receiveAnswer(systemd, systemd.bus.send([call]));
  return answer.kind === "error" ? refusalOf(answer) : undefined;
}

/** @throws Away when there was nobody who could refuse. */
function refusalOf({ errorName, body }: Incoming): Refusal {
  const refusal = { name: errorName ?? "no name", text: String(body[0] ?? "no reason") };
  if (isAbsence(refusal.name)) throw awayBecause(`${refusal.text} (${refusal.name})`);
  return refusal;
}

/** A call that makes a job, and the job's end, which may be told before the answer. */
function runJob(systemd: Systemd, call: Call, unit: string): Refusal | undefined {
  const { bus, name } = systemd;
  const serial = bus.send([call]);
  const ended = new Map<string, string>();
  let job: string | undefined;
  for (;;) {
    const message = receiveFrom(systemd);
    const end = jobEndOf(message, unit, name);
    if (end !== undefined) ended.set(end.job, end.result);
    if (isAnswer(message, serial, name)) {
      if (message.kind === "error") return refusalOf(message);
      job = String(message.body[0]);
    }
    const result = job === undefined ? undefined : ended.get(job);
    if (result !== undefined)
      return result === "done" ? undefined : { name: "job", text: `the job ended as ${result}` };
  }
}
