import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeMessage, encodeCall } from "../../src/dbus/message.ts";
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
