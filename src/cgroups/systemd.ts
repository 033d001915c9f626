import type { Call } from "../dbus/message.ts";
import type { DbusValue } from "../dbus/value.ts";
import { RuntimeFailure } from "../failure.ts";
import { type Bus, openBus } from "./bus.ts";

const SYSTEMD = "org.freedesktop.systemd1";
const MANAGER = `${SYSTEMD}.Manager`;

type Property = readonly [name: string, value: DbusValue];

function manager(member: string, body: readonly DbusValue[]): Call {
  return { destination: SYSTEMD, path: "/org/freedesktop/systemd1", interface: MANAGER, member, body };
}

/** systemd tells the end of jobs to those only who ask for it. */
const WATCH: readonly Call[] = [
  {
    destination: "org.freedesktop.DBus",
    path: "/org/freedesktop/DBus",
    interface: "org.freedesktop.DBus",
    member: "AddMatch",
    body: [{ type: "s", value: `type='signal',sender='${SYSTEMD}',interface='${MANAGER}',member='JobRemoved'` }],
  },
  manager("Subscribe", []),
];

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
  withBus((bus) => {
    let refusal = runJob(bus, call, unit);
    if (refusal?.name === `${SYSTEMD}.UnitExists`) {
      // One that failed is kept under its name until somebody has looked at it.
      ask(bus, manager("ResetFailedUnit", [{ type: "s", value: unit }]));
      refusal = runJob(bus, call, unit);
    }
    if (refusal !== undefined) throw failure(`Start unit ${unit}`, refusal);
  });
}

/** Stops a unit, so that nothing of it is left; one that is gone is no error. @throws RuntimeFailure as startUnit. */
export function stopUnit(unit: string): void {
  const name = { type: "s", value: unit } as const;
  withBus((bus) => {
    const refusal = runJob(bus, manager("StopUnit", [name, { type: "s", value: "replace" }]), unit);
    if (refusal !== undefined && refusal.name !== `${SYSTEMD}.NoSuchUnit`) throw failure(`Stop unit ${unit}`, refusal);
    ask(bus, manager("ResetFailedUnit", [name]));
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
  withBus((bus) => {
    const refusal = ask(bus, call);
    if (refusal !== undefined) throw failure(`Change unit ${unit}`, refusal);
  });
}

function withBus(use: (bus: Bus) => void): void {
  const bus = openBus();
  try {
    bus.send(WATCH);
    use(bus);
  } finally {
    bus.close();
  }
}

function failure(step: string, { name, text }: Refusal): RuntimeFailure {
  return new RuntimeFailure("systemd", `${step}: systemd says: ${text} (${name})`, { kind: "system" });
}

/** A call whose answer has no content. */
function ask(bus: Bus, call: Call): Refusal | undefined {
  const serial = bus.send([call]);
  for (;;) {
    const message = bus.receive();
    if (message.replySerial !== serial) continue;
    return message.kind === "error" ? refusalOf(message) : undefined;
  }
}

function refusalOf({ errorName, body }: ReturnType<Bus["receive"]>): Refusal {
  return { name: errorName ?? "no name", text: String(body[0] ?? "no reason") };
}

/** A call that makes a job, and the job's end, which may be told before the answer. */
function runJob(bus: Bus, call: Call, unit: string): Refusal | undefined {
  const serial = bus.send([call]);
  const ended = new Map<string, string>();
  let job: string | undefined;
  for (;;) {
    const message = bus.receive();
    if (message.kind === "signal" && message.member === "JobRemoved") {
      const [, path, name, result] = message.body;
      if (name === unit) ended.set(String(path), String(result));
    } else if (message.replySerial === serial) {
      if (message.kind === "error") return refusalOf(message);
      job = String(message.body[0]);
    }
    const result = job === undefined ? undefined : ended.get(job);
    if (result !== undefined)
      return result === "done" ? undefined : { name: "job", text: `the job ended as ${result}` };
  }
}
