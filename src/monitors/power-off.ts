/**
 * How a monitor with a control socket is asked to press the guest's power button: the text that is sent and what an
 * answer means (QEMU, docs/interop/qmp-spec; Cloud Hypervisor, vmm/src/api/openapi/cloud-hypervisor.yaml; Firecracker,
 * src/firecracker/swagger/firecracker.yaml). Pure.
 */

/** The language of a control socket. */
export type ControlProtocol = "qmp" | "cloud-hypervisor" | "firecracker";

/** What the answer so far says; `more` until it is whole. */
export type PowerOffAnswer = "done" | "more" | { readonly refused: string };

const QMP_ID = "urunc";
/** Of an answer that goes into a message. */
const SHOWN = 200;

export function powerOffRequest(protocol: ControlProtocol): string {
  switch (protocol) {
    case "qmp":
      // Both at once: QEMU carries them out in order.
      return `{"execute":"qmp_capabilities"}\n{"execute":"system_powerdown","id":"${QMP_ID}"}\n`;
    case "cloud-hypervisor":
      return put("/api/v1/vm.power-button", "");
    case "firecracker":
      return put("/actions", '{"action_type":"SendCtrlAltDel"}');
  }
}

function put(path: string, body: string): string {
  const type = body === "" ? "" : "Content-Type: application/json\r\n";
  return `PUT ${path} HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n${type}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Judges all that has been read. It may be anything: a guest that has taken over its monitor writes it. */
export function powerOffAnswer(protocol: ControlProtocol, text: string): PowerOffAnswer {
  return protocol === "qmp" ? qmpAnswer(text) : httpAnswer(text);
}

function qmpAnswer(text: string): PowerOffAnswer {
  // The last piece is no whole line yet.
  for (const line of text.split("\n").slice(0, -1)) {
    const message = parsed(line);
    if (Object.hasOwn(message, "error")) return { refused: line.trim().slice(0, SHOWN) };
    if (Reflect.get(message, "id") === QMP_ID && Object.hasOwn(message, "return")) return "done";
  }
  return "more";
}

function parsed(line: string): object {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null ? value : {};
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function httpAnswer(text: string): PowerOffAnswer {
  const end = text.indexOf("\n");
  if (end < 0) return "more";
  return /^HTTP\/1\.[01] 2\d\d\b/.test(text) ? "done" : { refused: text.slice(0, end).trim().slice(0, SHOWN) };
}
