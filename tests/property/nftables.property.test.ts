import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Attribute, decodeAttributes, joined, textOf } from "../../src/netlink/attribute.ts";
import { decodeForwarding } from "../../src/netlink/interface.ts";
import { forwardTo, isTo, isToPort, masquerade, sendTo } from "../../src/netlink/nft-expression.ts";
import { addRuleRequest, addTableRequest, decodeTable, deleteTableRequest } from "../../src/netlink/nftables.ts";
import { passKeys } from "../../src/netlink/pass.ts";
import { placeOfMember } from "../../src/oci/json-place.ts";
import { redirectQueueProxy } from "../../src/oci/queue-proxy.ts";
import { runs } from "../lib/arbitrary.ts";

const NEWTABLE = 0xa00;
const RTM_NEWLINK = 16;
const bytes = fc.uint8Array({ maxLength: 200 });
const port = fc.integer({ min: 1, max: 65535 });
const address = fc.uint8Array({ minLength: 4, maxLength: 4 });

function attributes(payload: Uint8Array): readonly Attribute[] {
  const result = decodeAttributes(payload);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

/** Names of a rule's expressions, in their order. */
function names(payload: Uint8Array): readonly (string | undefined)[] {
  const list = attributes(payload.subarray(4)).find(({ type }) => type === 4)?.value ?? new Uint8Array(0);
  return attributes(list).map(({ value }) => textOf(attributes(value), 1));
}

describe("a table", () => {
  test("comes back with its name and family", () => {
    fc.assert(
      fc.property(fc.constantFrom("ip", "netdev"), fc.stringMatching(/^[a-z_0-9]{1,30}$/), (family, name) => {
        for (const { payload } of [addTableRequest({ family, name }), deleteTableRequest({ family, name })]) {
          expect(decodeTable(NEWTABLE, payload)).toEqual({ ok: true, value: { family, name } });
        }
      }),
      runs(300),
    );
  });

  test("of any bytes is a value or a reason", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        for (const result of [decodeTable(NEWTABLE, input), decodeForwarding(RTM_NEWLINK, input)]) {
          if (!result.ok) expect(result.reason).not.toBe("");
        }
      }),
      runs(2000),
    );
  });
});

describe("a rule", () => {
  const table = { family: "ip", name: "t" } as const;
  const rule = (...parts: readonly (readonly Uint8Array[])[]) =>
    names(addRuleRequest(table, "c", parts.flat()).payload);

  test("is its expressions, whatever their values", () => {
    fc.assert(
      fc.property(port, address, fc.nat(2 ** 31), (number, to, link) => {
        expect(rule(isToPort("udp", number), sendTo(to))).toEqual([
          "meta",
          "cmp",
          "payload",
          "cmp",
          "immediate",
          "nat",
        ]);
        expect(rule(isTo(to), forwardTo(to, link))).toEqual([
          ...["meta", "cmp", "payload", "cmp"],
          ...["immediate", "immediate", "fwd"],
        ]);
        expect(rule(masquerade({ from: number, to: number }))).toEqual(["immediate", "immediate", "masq"]);
      }),
      runs(200),
    );
    expect(rule(masquerade(undefined))).toEqual(["masq"]);
  });
});

/** What a filter of u32 does with a packet, by the words of linux/pkt_cls.h: every key's word, masked, is its value. */
function passes(packet: Uint8Array, ports: Parameters<typeof passKeys>[0]): boolean {
  const padded = joined([packet, new Uint8Array(64)]);
  const view = new DataView(padded.buffer);
  return passKeys(ports).some((keys) =>
    keys.every(({ at, mask, value }) => (view.getUint32(at) & mask) >>> 0 === value),
  );
}

function ipv4(protocol: number, payload: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  header[0] = 0x45;
  header[9] = protocol;
  return joined([header, payload]);
}

function ports(source: number, destination: number): Uint8Array {
  return Uint8Array.of(source >>> 8, source & 0xff, destination >>> 8, destination & 0xff, 0, 0, 0, 0);
}

const isShared = (number: number) => number >= 30720 && number <= 32767;

describe("what passes a unikernel's interface", () => {
  const declared = [
    { protocol: "tcp", port: 8080 },
    { protocol: "udp", port: 53 },
  ] as const;
  const near = fc.oneof(port, fc.constantFrom(53, 8080, 30719, 30720, 32767, 32768));

  test("is what comes to the shared ports and the declared ones, and errors about what came from them", () => {
    fc.assert(
      fc.property(near, near, fc.constantFrom(6, 17), (source, destination, protocol) => {
        const isOwn = (number: number) => declared.some((one) => one.port === number);
        const isDeclared = destination === (protocol === 6 ? 8080 : 53);
        expect(passes(ipv4(protocol, ports(source, destination)), declared)).toBe(isShared(destination) || isDeclared);
        const error = joined([Uint8Array.of(3, 4, 0, 0, 0, 0, 0, 0), ipv4(protocol, ports(source, destination))]);
        expect(passes(ipv4(1, error), declared)).toBe(isShared(source) || isOwn(source));
        const reply = joined([Uint8Array.of(0, 0, 0, 0, destination >>> 8, destination & 0xff, 0, 1)]);
        expect(passes(ipv4(1, reply), declared)).toBe(isShared(destination));
      }),
      runs(1000),
    );
  });

  test("is no request for an echo, no later fragment and nothing with options", () => {
    expect(passes(ipv4(1, Uint8Array.of(8, 0, 0, 0, 0x78, 0, 0, 1)), declared)).toBe(false);
    const fragment = ipv4(6, ports(1, 8080));
    expect(passes(fragment, declared)).toBe(true);
    fragment[7] = 1;
    expect(passes(fragment, declared)).toBe(false);
    fragment[7] = 0;
    fragment[0] = 0x46;
    expect(passes(fragment, declared)).toBe(false);
  });
});

describe("the place of a member", () => {
  test("is where its text stands, whatever is around it", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
        const text = ` ${JSON.stringify(object, undefined, indent)}`;
        for (const [key, value] of Object.entries(object)) {
          const place = placeOfMember(text, 0, key);
          expect(JSON.parse(text.slice(place?.start, place?.end))).toEqual(JSON.parse(JSON.stringify(value)));
        }
        expect(placeOfMember(text, 0, "not a key \u0000")).toBeUndefined();
      }),
      runs(500),
    );
  });

  test("is found for an environment, and nothing else of the document changes", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.array(fc.string()), (object, env) => {
        const document = { ...object, process: { ...object, env } };
        const text = redirectQueueProxy(JSON.stringify(document), "1.2.3.4") ?? "";
        const kept = env.filter((entry) => !entry.startsWith("REDIRECT_IP="));
        const expected = { ...document, process: { ...document.process, env: [...kept, "REDIRECT_IP=1.2.3.4"] } };
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(expected)));
      }),
      runs(500),
    );
  });
});
