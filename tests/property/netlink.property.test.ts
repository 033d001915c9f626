import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addressText, ipv4MaskText, ipv4Number, isSameSubnet } from "../../src/netlink/address.ts";
import { attribute, decodeAttributes, joined, nest, text, textOf, u32, u32Of } from "../../src/netlink/attribute.ts";
import type { Decoded } from "../../src/netlink/decoded.ts";
import { decodeReplies, encodeRequests } from "../../src/netlink/message.ts";
import { whyNotServer } from "../../src/netlink/name-server.ts";
import { decodeAddress, decodeDefaultRoute, decodeLink } from "../../src/netlink/route.ts";
import { addArpMirrorRequest, addPassRequest, addRedirectRequest } from "../../src/netlink/traffic.ts";
import { decodeFilter } from "../../src/netlink/traffic-answer.ts";
import { parseResolvConf } from "../../src/plan/resolv-conf.ts";
import { runs } from "../lib/arbitrary.ts";

const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const RTM_NEWROUTE = 24;
const RTM_NEWTFILTER = 44;

const bytes = fc.uint8Array({ maxLength: 300 });
const attributes = fc.array(fc.tuple(fc.integer({ min: 0, max: 0x3fff }), bytes), { maxLength: 12 });

function encode(list: readonly (readonly [number, Uint8Array])[]): Uint8Array {
  return joined(list.map(([type, value]) => attribute(type, value)));
}

/** What a decoder is asked to do: never to throw. */
const DECODERS: Readonly<Record<string, (input: Uint8Array) => Decoded<unknown>>> = {
  attributes: decodeAttributes,
  replies: decodeReplies,
  link: (input) => decodeLink(RTM_NEWLINK, input),
  address: (input) => decodeAddress(RTM_NEWADDR, input),
  route: (input) => decodeDefaultRoute(RTM_NEWROUTE, input),
  filter: (input) => decodeFilter(RTM_NEWTFILTER, input),
};

describe.each(Object.entries(DECODERS))("the decoder of %s", (_name, decode) => {
  test("answers a value or a reason for any bytes", () => {
    fc.assert(
      fc.property(bytes, (input) => {
        const result = decode(input);
        if (!result.ok) expect(result.reason).not.toBe("");
      }),
      runs(2000),
    );
  });

  test("answers for bytes that begin as they should, of any lengths inside", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), attributes, bytes, (head, list, tail) => {
        const result = decode(joined([head, encode(list), tail]));
        expect(typeof result.ok).toBe("boolean");
      }),
      runs(1000),
    );
  });

  test("sees only its part of a larger buffer", () => {
    fc.assert(
      fc.property(bytes, bytes, bytes, (before, input, after) => {
        const whole = joined([before, input, after]);
        const part = whole.subarray(before.length, before.length + input.length);
        expect(decode(part)).toEqual(decode(input));
      }),
      runs(500),
    );
  });
});

describe("attributes", () => {
  test("come back as they were written", () => {
    fc.assert(
      fc.property(attributes, (list) => {
        const result = decodeAttributes(encode(list));
        expect(result).toEqual({ ok: true, value: list.map(([type, value]) => ({ type, value })) });
      }),
      runs(1000),
    );
  });

  test("cut anywhere are a reason or fewer attributes, never others", () => {
    fc.assert(
      fc.property(attributes, fc.nat(), (list, cut) => {
        const whole = encode(list);
        const result = decodeAttributes(whole.subarray(0, cut % (whole.length + 1)));
        if (!result.ok) return;
        result.value.forEach((entry, index) => {
          expect([entry.type, entry.value]).toEqual(list[index]);
        });
      }),
      runs(1000),
    );
  });

  test.each([2 ** 16 - 3, 2 ** 16 - 1, 2 ** 16, 2 ** 16 + 1, 2 ** 20])("of %d bytes are refused", (size) => {
    expect(() => attribute(1, new Uint8Array(size))).toThrow(RangeError);
    expect(() => nest(1, attribute(1, new Uint8Array(2 ** 15)), new Uint8Array(size))).toThrow(RangeError);
  });

  test("of the most bytes there is room for are written", () => {
    const value = new Uint8Array(2 ** 16 - 5).fill(7);
    expect(decodeAttributes(attribute(3, value))).toEqual({ ok: true, value: [{ type: 3, value }] });
  });

  test.each([-1, 0.5, 2 ** 16, Number.NaN])("of type %d are refused", (type) => {
    expect(() => attribute(type, new Uint8Array(0))).toThrow(RangeError);
  });

  test("hold numbers and texts", () => {
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.string({ unit: "grapheme-ascii", maxLength: 15 }), (number, word) => {
        const result = decodeAttributes(joined([attribute(1, u32(number)), attribute(2, text(word))]));
        if (!result.ok) throw new Error(result.reason);
        expect([u32Of(result.value, 1), textOf(result.value, 2)]).toEqual([number, word]);
        expect(u32Of(result.value, 2)).toBe(word.length === 3 ? u32Of(result.value, 2) : undefined);
      }),
      runs(300),
    );
  });
});

describe("messages", () => {
  const request = (payload: Uint8Array) => ({ type: 18, flags: 4, payload });

  test("come back as they were sent, several in a packet", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 5 }), (payloads) => {
        const packet = new Uint8Array(encodeRequests(payloads.map(request), 1));
        const replies = payloads.map((payload, index) => ({ kind: "data", sequence: index + 1, type: 18, payload }));
        expect(decodeReplies(packet)).toEqual({ ok: true, value: replies });
      }),
      runs(500),
    );
  });

  test.each([0, 15, 17 + 4, 2 ** 16 - 1, 2 ** 16 + 1, 2 ** 31, 2 ** 32 - 1])(
    "of a length of %d are malformed",
    (size) => {
      const packet = new Uint8Array(encodeRequests([request(new Uint8Array(4))], 1));
      new DataView(packet.buffer).setUint32(0, size, true);
      expect(decodeReplies(packet).ok).toBe(false);
    },
  );

  test("longer than 1 MiB are not made", () => {
    expect(() => encodeRequests([request(new Uint8Array(2 ** 20 - 15))], 1)).toThrow(RangeError);
  });

  /** An answer as the kernel makes it: number, the failed message's header, then its words. */
  function failure(errno: number, words: string | undefined, flags: number, echoed: number): Uint8Array {
    const failed = new Uint8Array(echoed);
    if (echoed >= 16) new DataView(failed.buffer).setUint32(0, (flags & 0x100) === 0 ? echoed : 4096, true);
    const extra = words === undefined ? [] : [attribute(1, text(words))];
    const payload = joined([u32(-errno >>> 0), failed, ...extra]);
    const packet = new Uint8Array(encodeRequests([{ type: 2, flags, payload }], 9));
    new DataView(packet.buffer).setUint16(6, flags, true);
    return packet;
  }

  test("of failure carry the kernel's number and words, capped or whole", () => {
    const reply = (text: string) => ({ ok: true, value: [{ kind: "error", sequence: 9, errno: 17, text }] });
    expect(decodeReplies(failure(17, "Exclusivity flag on", 0x300, 16))).toEqual(reply("Exclusivity flag on"));
    expect(decodeReplies(failure(17, "Exclusivity flag on", 0x200, 64))).toEqual(reply("Exclusivity flag on"));
    expect(decodeReplies(failure(17, undefined, 0, 16))).toEqual(reply(""));
    expect(decodeReplies(failure(17, "too short for its header", 0x200, 8))).toEqual(reply(""));
  });

  test("without an error are the end", () => {
    expect(decodeReplies(failure(0, undefined, 0, 16))).toEqual({ ok: true, value: [{ kind: "done", sequence: 9 }] });
  });
});

describe("a filter", () => {
  const index = fc.integer({ min: 1, max: 2 ** 31 - 1 });
  const cookie = fc.stringMatching(/^[ -~]{15}$/);

  test("that redirects tells its mark and where to", () => {
    fc.assert(
      fc.property(index, index, cookie, fc.nat(0xffff), (from, to, cookie, priority) => {
        const { payload } = addRedirectRequest({ link: from, kind: "ingress" }, to, cookie, priority);
        expect(decodeFilter(RTM_NEWTFILTER, payload)).toEqual({
          ok: true,
          value: { handle: 0, info: priority * 65536 + 0x300, matches: true, mark: 0, cookie, target: to },
        });
        expect(new DataView(payload.buffer).getInt32(4, true)).toBe(from);
      }),
      runs(300),
    );
    for (const length of [0, 14, 16]) {
      expect(() => addRedirectRequest({ link: 1, kind: "clsact" }, 2, "x".repeat(length))).toThrow(RangeError);
    }
  });

  test("that mirrors has a mark and redirects nothing", () => {
    fc.assert(
      fc.property(index, index, cookie, (from, to, cookie) => {
        const { payload } = addArpMirrorRequest({ link: from, kind: "ingress" }, to, cookie);
        expect(decodeFilter(RTM_NEWTFILTER, payload)).toEqual({
          ok: true,
          value: { handle: 0, info: 0x608, matches: true, mark: 0, cookie, target: 0 },
        });
      }),
      runs(300),
    );
  });

  test("that lets pass has its mark in its class", () => {
    const key = fc.record({ at: fc.nat(15).map((word) => word * 4), mask: fc.nat(2 ** 31), value: fc.nat(2 ** 31) });
    fc.assert(
      fc.property(index, fc.array(key, { minLength: 1, maxLength: 6 }), index, (from, keys, mark) => {
        const { payload } = addPassRequest({ link: from, kind: "clsact" }, keys, mark);
        expect(decodeFilter(RTM_NEWTFILTER, payload)).toEqual({
          ok: true,
          value: { handle: 0, info: 0x8, matches: true, mark, cookie: "", target: 0 },
        });
      }),
      runs(300),
    );
  });
});

describe("addresses", () => {
  test("of IPv4 are read as they are written", () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        const number = ipv4Number(address) ?? -1;
        const octets = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
        expect(addressText(Uint8Array.from(octets))).toBe(address);
      }),
      runs(300),
    );
  });

  test.each([
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["fe800000000000000a580afffe040005", "fe80::a58:aff:fe04:5"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["fd000000000000000000000000000000", "fd00::"],
  ])("of IPv6, %s, are written shortest", (hex, written) => {
    expect(addressText(Uint8Array.from(Buffer.from(hex, "hex")))).toBe(written);
  });

  test.each([
    [0, "0.0.0.0"],
    [1, "128.0.0.0"],
    [8, "255.0.0.0"],
    [20, "255.255.240.0"],
    [32, "255.255.255.255"],
  ])("have the mask of prefix %d", (prefix, mask) => {
    expect(ipv4MaskText(prefix)).toBe(mask);
  });

  test("lie in one subnet or not", () => {
    expect(isSameSubnet("10.4.0.5", "10.4.15.1", 20)).toBe(true);
    expect(isSameSubnet("10.4.0.5", "10.4.16.1", 20)).toBe(false);
    expect(isSameSubnet("200.4.0.5", "1.1.1.1", 0)).toBe(true);
    expect(isSameSubnet("10.4.0.5", "169.254.1.1", 32)).toBe(false);
  });
});

describe("resolv.conf", () => {
  test("of any text gives three servers at most, none of them local, and words that are names", () => {
    const line = fc.oneof(
      fc.ipV4().map((address) => `nameserver ${address}`),
      fc.ipV6().map((address) => `nameserver ${address}`),
      fc.string({ unit: "binary", maxLength: 30 }),
      fc
        .tuple(fc.constantFrom("options", "search"), fc.string({ unit: "binary", maxLength: 30 }))
        .map((words) => words.join(" ")),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const { servers, search, options } = parseResolvConf(lines.join("\n"));
        for (const word of search) expect(word).toMatch(/^[\w.-]+$/);
        for (const word of options) expect(word).toMatch(/^[a-z0-9-]+(:\d+)?$/);
        expect(servers.length).toBeLessThanOrEqual(3);
        for (const server of servers) {
          expect(isIP(server)).not.toBe(0);
          expect(server).not.toMatch(/^127\./);
        }
      }),
      runs(500),
    );
  });

  test("takes as name servers what Node takes as addresses, and nothing else", () => {
    const part = fc.constantFrom(":", "::", ".", "0", "1", "fe80", "fffff", "g", "255", "256", "1.2.3.4", "9.9.9.9");
    const text = fc.oneof(
      fc.array(part, { maxLength: 17 }).map((parts) => parts.join("")),
      fc.ipV4(),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(text, (server) => {
        // An octet with leading zeros is octal to some.
        fc.pre(!/(^|[:.])0\d+(\.|$)/.test(server));
        expect(whyNotServer(server) === "it is no address", server).toBe(isIP(server) === 0);
      }),
      runs(5000),
    );
  });

  test.each(["::::", "1:2", "fe80:::1", "1::2::3", "1:2:3:4:5:6:7:8:9", "::1.2.3", "1.2.3.4::", ":1:2:3:4:5:6:7"])(
    "takes %s for no address",
    (server) => {
      expect(whyNotServer(server)).toBe("it is no address");
    },
  );

  test("loses the resolvers the guest cannot reach, and says why", () => {
    const text =
      "# made\nsearch a.example\nnameserver 127.0.0.11\nnameserver ::1\nnameserver fe80::1%eth0\n nameserver 9.9.9.9\n";
    const found = parseResolvConf(`${text}nameserver fd00::53\nnameserver x;y\noptions ndots:5`);
    expect(found.servers).toEqual(["9.9.9.9", "fd00::53"]);
    expect(found.left.map((reason) => reason.split(" ")[2])).toEqual(["127.0.0.11", "::1", "fe80::1%eth0", "x;y"]);
    expect(found.loopback).toEqual(["127.0.0.11", "::1"]);
  });

  test.each([
    ["search a.example b.example.\n", ["a.example", "b.example."]],
    ["search a\nsearch b c\n", ["b", "c"]],
    ["search a\ndomain d.example e\n", ["d.example"]],
    ["search ok.example x;y $(z) -- \n", ["ok.example", "--"]],
    [`search ${"a ".repeat(40)}\n`, Array(32).fill("a")],
    [`search ${"l".repeat(2000)} ${"m".repeat(60)} n\n`, ["l".repeat(2000), "n"]],
    ["nameserver 9.9.9.9\n", []],
  ])("has search domains: %j", (text, search) => {
    expect(parseResolvConf(text).search).toEqual(search);
  });

  test.each([
    ["options ndots:5 timeout:2\noptions attempts:3 rotate edns0\n", "ndots:5 timeout:2 attempts:3 rotate edns0", 0],
    ["options ndots:5;reboot $(x) ndots:5=1 -v Rotate ndots: single-request-reopen\n", "single-request-reopen", 6],
    [`options ${"a ".repeat(20)}\n`, "a ".repeat(16).trim(), 4],
    [`options ${`${"o".repeat(32)} `.repeat(9)}\n`, `${"o".repeat(32)} `.repeat(7).trim(), 2],
    ["# options rotate\n; options debug\nnameserver 9.9.9.9\n", "", 0],
  ])("has options: %j", (text, options, unusable) => {
    const found = parseResolvConf(text);
    expect(found.options.join(" ")).toBe(options);
    expect(found.unusable).toHaveLength(unusable);
  });

  test.each([
    ["# ExtServers: [10.0.0.2 host(10.0.0.3)]\nnameserver 127.0.0.11", ["10.0.0.2", "10.0.0.3"]],
    ["# ExtServers: [host(127.0.0.53)]\nnameserver 127.0.0.11", []],
    ["nameserver 127.0.0.11\noptions ndots:0", []],
  ])("tells what Docker's resolver asks: %j", (text, behind) => {
    expect(parseResolvConf(text)).toMatchObject({ servers: [], loopback: ["127.0.0.11"], behind });
  });
});
