import { describe, expect, test } from "vitest";
import { powerOffAnswer, powerOffRequest } from "../../src/monitors/power-off.ts";

describe("the power button of a monitor", () => {
  test("is pressed by QMP in its capabilities mode", () => {
    const lines = powerOffRequest("qmp")
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(lines).toEqual([{ execute: "qmp_capabilities" }, { execute: "system_powerdown", id: "urunc" }]);
  });

  test("is pressed by one whole HTTP request", () => {
    expect(powerOffRequest("cloud-hypervisor")).toBe(
      "PUT /api/v1/vm.power-button HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n",
    );
    const [head = "", body = ""] = powerOffRequest("firecracker").split("\r\n\r\n");
    expect(JSON.parse(body)).toEqual({ action_type: "SendCtrlAltDel" });
    expect(head).toContain(`Content-Length: ${body.length}`);
  });

  test("was pressed when QEMU answers that request, whatever events come before", () => {
    const greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n{"return": {}}\r\n';
    expect(powerOffAnswer("qmp", greeting)).toBe("more");
    expect(powerOffAnswer("qmp", `${greeting}{"event": "RTC_CHANGE"}\r\n{"return": {}, "id": "urunc"}`)).toBe("more");
    expect(powerOffAnswer("qmp", `${greeting}{"return": {}, "id": "urunc"}\r\n`)).toBe("done");
    expect(powerOffAnswer("qmp", '{"error": {"desc": "no"}}\r\n')).toEqual({ refused: '{"error": {"desc": "no"}}' });
  });

  test.each(["[]", "null", "1", "{", '"urunc"', '{"id":"urunc"}', '{"__proto__":{"return":{}},"id":"urunc"}'])(
    "was not pressed when QMP says %s",
    (line) => expect(powerOffAnswer("qmp", `${line}\n`)).toBe("more"),
  );

  test("was pressed when HTTP answers with a status of success", () => {
    expect(powerOffAnswer("cloud-hypervisor", "HTTP/1.1 20")).toBe("more");
    expect(powerOffAnswer("cloud-hypervisor", "HTTP/1.1 204 \r\n")).toBe("done");
    expect(powerOffAnswer("firecracker", "HTTP/1.1 400 Bad Request\r\n")).toEqual({
      refused: "HTTP/1.1 400 Bad Request",
    });
    expect(powerOffAnswer("firecracker", `${"x".repeat(5000)}\n`)).toEqual({ refused: "x".repeat(200) });
  });
});
