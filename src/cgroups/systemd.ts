import { BUS_NAME, isAnswer, jobEndOf } from "../dbus/answers.ts";
import type { Call, Incoming } from "../dbus/message.ts";
import type { DbusValue } from "../dbus/value.ts";
import { RuntimeFailure } from "../failure.ts";
import { type Bus, busCall, openBus } from "./bus.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const MANAGER = `${SYSTEMD}.Manager`;

type Property = readonly [name: string, value: DbusValue];

function manager(member: string, body: readonly DbusValue[]): Call {
  return { destination: SYSTEMD, path: "/org/freedesktop/systemd1", interface: MANAGER, member, body };
}

/** systemd tells the end of jobs to those only who ask for it. */
const WATCH: readonly Call[] = [
  busCall("AddMatch", [
    { type: "s", value: `type='signal',sender='${SYSTEMD}',interface='${MANAGER}',member='JobRemoved'` },
  ]),
  manager("Subscribe", []),
];

/** Who systemd is on this bus; messages come by that name. */
const OWNER = busCall("GetNameOwner", [{ type: "s", value: SYSTEMD }]);

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
 * @throws RuntimeFailure `systemd`, `dbus`.
 */
export function startUnit(unit: string, properties: readonly Property[]): void {
  const call = manager("StartTransientUnit", [
    { type: "s", value: unit },
    { type: "s", value: "replace" },
    { type: "a(sv)", value: properties },
    { type: "a(sa(sv))" },
  ]);
  withSystemd(`Start unit ${unit}`, (systemd, refuse) => {
    let refusal = runJob(systemd, call, unit);
    if (refusal?.name === `${SYSTEMD}.UnitExists`) {
      // One that failed is kept under its name until somebody has looked at it.
      ask(systemd, manager("ResetFailedUnit", [{ type: "s", value: unit }]));
      refusal = runJob(systemd, call, unit);
    }
    if (refusal !== undefined) refuse(refusal);
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

/** @param step what every error begins with. */
function withSystemd(step: string, use: (systemd: Systemd, refuse: (refusal: Refusal) => never) => void): void {
  const refuse = ({ name, text }: Refusal) => {
    throw new RuntimeFailure("systemd", `${step}: systemd says: ${text} (${name})`, { kind: "system" });
  };
  try {
    const bus = openBus();
    try {
      bus.send(WATCH);
      const owner = receiveAnswer(bus, bus.send([OWNER]), BUS_NAME);
      if (owner.kind === "error") refuse(refusalOf(owner));
      use({ bus, name: String(owner.body[0]) }, refuse);
    } finally {
      bus.close();
    }
  } catch (error) {
    if (!(error instanceof RuntimeFailure) || error.code !== "dbus") throw error;
    throw new RuntimeFailure("dbus", `${step}: ${error.message}`, { kind: "system", cause: error });
  }
}

function receiveAnswer(bus: Bus, serial: number, callee: string): Incoming {
  for (;;) {
    const message = bus.receive();
    if (isAnswer(message, serial, callee)) return message;
  }
}

/** A call whose answer has no content. */
function ask({ bus, name }: Systemd, call: Call): Refusal | undefined {
  const answer = receiveAnswer(bus, bus.send([call]), name);
  return answer.kind === "error" ? refusalOf(answer) : undefined;
}

function refusalOf({ errorName, body }: Incoming): Refusal {
  return { name: errorName ?? "no name", text: String(body[0] ?? "no reason") };
}

/** A call that makes a job, and the job's end, which may be told before the answer. */
function runJob({ bus, name }: Systemd, call: Call, unit: string): Refusal | undefined {
  const serial = bus.send([call]);
  const ended = new Map<string, string>();
  let job: string | undefined;
  for (;;) {
    const message = bus.receive();
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
