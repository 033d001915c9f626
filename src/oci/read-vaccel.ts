import type { MonitorKind } from "../monitors/kinds.ts";
import { MONITORS } from "../monitors/registry.ts";
import { type Findings, report } from "./decode.ts";
import type { UnikernelMetadata } from "./metadata.ts";

const PORT = "([1-9][0-9]{0,4})";
const MOST_PORT = 65535;
const ADDRESSES = {
  vhost: { form: new RegExp(`^vsock://2:${PORT}$`), text: "vsock://2:PORT" },
  unix: {
    form: new RegExp(`^unix://((?:/[A-Za-z0-9_-]+)+/vaccel\\.sock_${PORT})$`),
    text: "unix:///DIRECTORY/vaccel.sock_PORT with letters, digits, _ and - in DIRECTORY",
  },
} as const;

/**
 * `vAccel` and `RPCAddress`: an agent of the host, by a port of its vsock or, for monitors that connect a guest's vsock
 * to Unix sockets themselves, by one of these.
 */
export function readVaccel(
  into: Findings,
  monitor: MonitorKind | undefined,
  value: (name: string) => string | undefined,
  place: (name: string) => string,
): UnikernelMetadata["vaccel"] {
  const transport = value("vAccel");
  const address = value("RPCAddress");
  if (transport === undefined) {
    if (address !== undefined) report(into, place("RPCAddress"), "must come with vAccel");
    return undefined;
  }
  if (transport !== "vsock") {
    report(into, place("vAccel"), "must be vsock", transport);
    return undefined;
  }
  if (monitor === undefined) return undefined;
  const kind = MONITORS[monitor].vsock;
  if (kind === undefined) {
    report(into, place("vAccel"), `${monitor} has no vsock device: use qemu, firecracker or cloud-hypervisor`);
    return undefined;
  }
  const { form, text } = ADDRESSES[kind];
  const match = form.exec(address ?? "");
  const port = Number(match?.at(-1) ?? 0);
  if (match === null || port > MOST_PORT) {
    report(into, place("RPCAddress"), `must be ${text} for ${monitor}, with a port of 1 to ${MOST_PORT}`, address);
    return undefined;
  }
  const [, socket = ""] = match;
  return kind === "unix" ? { port, socket } : { port };
}
