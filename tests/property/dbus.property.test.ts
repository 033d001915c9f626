import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAnswer, jobEndOf } from "../../src/dbus/answers.ts";
import { decodeMessage, encodeCall, type Incoming } from "../../src/dbus/message.ts";
import type { DbusValue } from "../../src/dbus/value.ts";

const text = fc.stringMatching(/^[\w./:-]{0,40}$/);
const value: fc.Arbitrary<DbusValue> = fc.oneof(
  fc.record({ type: fc.constantFrom("s" as const, "o" as const), value: text }),
  fc.record({ type: fc.constant("u" as const), value: fc.nat() }),
  fc.record({ type: fc.constant("b" as const), value: fc.boolean() }),
);
const call = fc.record({
  destination: text,
  path: text,
  interface: text,
  member: text,
  body: fc.array(value, { maxLength: 5 }),
});

describe("messages of D-Bus", () => {
  it("read back as they were written", () => {
    fc.assert(
      fc.property(
        call,
        fc.integer({ min: 1, max: 2 ** 32 - 1 }),
        fc.uint8Array({ maxLength: 9 }),
        (given, serial, rest) => {
          const bytes = encodeCall(given, serial);
          const decoded = decodeMessage(Uint8Array.from([...bytes, ...rest]));
          const body = given.body.map((one) =>
            "value" in one && typeof one.value === "boolean" ? Number(one.value) : "value" in one && one.value,
          );
          expect(decoded).toEqual({ message: { kind: "call", member: given.member, body }, size: bytes.length });
        },
      ),
    );
  });

  it("are waited for until they are whole", () => {
    fc.assert(
      fc.property(call, fc.nat(), (given, cut) => {
        const bytes = encodeCall(given, 1);
        expect(decodeMessage(bytes.slice(0, cut % bytes.length))).toBeUndefined();
      }),
    );
  });

  it("never throw, whatever comes", () => {
    const start = fc.uint8Array({ maxLength: 80 }).map((bytes) => Uint8Array.from([0x6c, 4, 0, 1, ...bytes]));
    fc.assert(fc.property(fc.oneof(start, fc.uint8Array()), (bytes) => void decodeMessage(bytes)));
  });

  it("that systemd would not send are skipped whole, not an error", () => {
    fc.assert(
      fc.property(call, fc.constantFrom("big-endian", "unknown kind", "no fields"), (given, oddity) => {
        const bytes = encodeCall(given, 7);
        const view = new DataView(bytes.buffer);
        if (oddity === "unknown kind") bytes[1] = 5;
        if (oddity === "no fields") bytes[17] = 200;
        if (oddity === "big-endian") {
          bytes[0] = 0x42;
          for (const at of [4, 12]) view.setUint32(at, view.getUint32(at, true), false);
        }
        expect(decodeMessage(bytes)).toEqual({ size: bytes.length });
      }),
    );
  });

  it("that are long are skipped before they are whole, and what no message can have is broken", () => {
    const start = (size: number) => {
      const bytes = Uint8Array.from([0x6c, 4, 0, 1, ...Array.from({ length: 12 }, () => 0)]);
      new DataView(bytes.buffer).setUint32(4, size, true);
      return bytes;
    };
    expect(decodeMessage(start(2 << 20))).toEqual({ size: 16 + (2 << 20) });
    expect(decodeMessage(start(1 << 27))).toBe("broken");
  });

  it("are answers from who was called, or errors of the bus, and nothing else", () => {
    const kind = fc.constantFrom("return" as const, "error" as const, "signal" as const, "call" as const);
    const sender = fc.constantFrom(":1.1", ":1.2", "org.freedesktop.DBus", "org.freedesktop.systemd1", undefined);
    fc.assert(
      fc.property(kind, sender, fc.integer({ min: 1, max: 3 }), (one, from, replySerial) => {
        const message: Incoming = { kind: one, replySerial, body: [], ...(from === undefined ? {} : { sender: from }) };
        const isRight =
          (one === "return" && from === ":1.1") ||
          (one === "error" && (from === ":1.1" || from === "org.freedesktop.DBus"));
        expect(isAnswer(message, 2, ":1.1")).toBe(isRight && replySerial === 2);
      }),
    );
  });

  it("tell the end of a unit's job as signals of systemd only", () => {
    const body = [1, "/org/freedesktop/systemd1/job/1", "a.scope", "done"];
    const signal = { kind: "signal", sender: ":1.1", member: "JobRemoved", body } as const;
    expect(jobEndOf(signal, "a.scope", ":1.1")).toEqual({ job: "/org/freedesktop/systemd1/job/1", result: "done" });
    for (const other of [{ sender: ":1.2" }, { kind: "return" as const }, { member: "JobNew" }]) {
      expect(jobEndOf({ ...signal, ...other }, "a.scope", ":1.1")).toBeUndefined();
    }
    expect(jobEndOf(signal, "b.scope", ":1.1")).toBeUndefined();
  });

  it("say who sent them", () => {
    // As a bus passes on: the call with the field SENDER (7), in front of its others.
    const bytes = encodeCall({ destination: "d", path: "/", interface: "i", member: "m", body: [] }, 9);
    const sender = Uint8Array.from([7, 1, 0x73, 0, 4, 0, 0, 0, 0x3a, 0x31, 0x2e, 0x32, 0, 0, 0, 0]);
    const passed = Uint8Array.from([...bytes.slice(0, 16), ...sender, ...bytes.slice(16)]);
    const view = new DataView(passed.buffer);
    view.setUint32(12, view.getUint32(12, true) + sender.length, true);
    expect(decodeMessage(passed)).toMatchObject({ message: { sender: ":1.2", member: "m" } });
  });

  it("are laid out as the specification says", () => {
    const bytes = encodeCall(
      {
        destination: "d",
        path: "/",
        interface: "i",
        member: "m",
        body: [
          { type: "s", value: "unit" },
          {
            type: "a(sv)",
            value: [
              ["PIDs", { type: "au", value: [7] }],
              ["Max", { type: "t", value: 5n }],
            ],
          },
        ],
      },
      9,
    );
    const hex = (from: number, to: number) => Buffer.from(bytes.slice(from, to)).toString("hex");
    expect(hex(0, 4)).toBe("6c010001");
    expect(hex(8, 12)).toBe("09000000");
    // The body: the text, the array's length, its entries from an offset that 8 divides on.
    const body = bytes.length - new DataView(bytes.buffer).getUint32(4, true);
    expect(body % 8).toBe(0);
    expect(hex(body, body + 16)).toBe("04000000756e69740000000030000000");
    expect(hex(body + 16, body + 40)).toBe("040000005049447300026175000000000400000007000000");
    expect(hex(body + 40, bytes.length)).toBe("030000004d61780001740000000000000500000000000000");
  });
});
