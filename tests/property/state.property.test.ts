// What comes from files of our own, from the command line and from monitors, of any content.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GLOBAL } from "../../src/cli/flags.ts";
import { parseOptions } from "../../src/cli/parse.ts";
import { type ContainerRecord, parseRecord } from "../../src/container/record.ts";
import { RuntimeFailure } from "../../src/failure.ts";
import { powerOffAnswer } from "../../src/monitors/power-off.ts";
import { parseSignal } from "../../src/sys/signals.ts";
import { nasty, runs } from "../lib/arbitrary.ts";

const RECORD: ContainerRecord = {
  ociVersion: "1.2.0",
  id: "c1",
  status: "created",
  pid: 42,
  bundle: "/bundle",
  rootfs: "/bundle/rootfs",
  created: "2026-01-01T00:00:00.000000000Z",
  annotations: { key: "value" },
  urunc: { startTime: 7, poststart: [], poststop: [] },
};

/** The value, or the failure a person is shown; anything else is thrown. */
function attempt<T>(action: () => T): T | RuntimeFailure {
  try {
    return action();
  } catch (error) {
    if (error instanceof RuntimeFailure) return error;
    throw error;
  }
}

describe("a state file", () => {
  test("of any JSON is a record, runc's, or a failure that names it", () => {
    const member = fc.constantFrom(...Object.keys(RECORD), "urunc", "init_process_pid", "x");
    const text = fc.oneof(
      fc.json(),
      nasty,
      fc.tuple(member, fc.jsonValue()).map(([name, value]) => JSON.stringify({ ...RECORD, [name]: value })),
      fc.jsonValue().map((value) => JSON.stringify({ ...RECORD, urunc: { ...RECORD.urunc, control: value } })),
    );
    fc.assert(
      fc.property(text, (content) => {
        const read = attempt(() => parseRecord(content, "/state.json"));
        if (read === undefined) return;
        if (read instanceof RuntimeFailure) expect(read.message).toContain("/state.json");
        else expect(Number.isSafeInteger(read.pid) && read.pid >= 0).toBe(true);
      }),
      runs(1000),
    );
  });

  test("comes back as it was written", () => {
    fc.assert(
      fc.property(nasty, fc.dictionary(nasty, nasty), fc.maxSafeNat(), (bundle, annotations, pid) => {
        const record = { ...RECORD, bundle, annotations: { ...annotations }, pid };
        expect(parseRecord(JSON.stringify(record), "/state.json")).toEqual(record);
      }),
      runs(500),
    );
  });
});

describe("a command line", () => {
  test("of any words is options and the rest, or a failure", () => {
    const flags = GLOBAL.flatMap(({ name }) => [`--${name}`, `--${name}=`, `-${name}`, `--${name}=x`]);
    const word = fc.oneof(fc.constantFrom(...flags, "-", "--", "---", "-f"), nasty);
    fc.assert(
      fc.property(fc.array(word, { maxLength: 6 }), fc.boolean(), (words, stops) => {
        const parsed = attempt(() => parseOptions(words, GLOBAL, stops));
        if (parsed instanceof RuntimeFailure) return;
        expect(words).toEqual(expect.arrayContaining([...parsed.rest]));
      }),
      runs(1000),
    );
  });

  test("names a signal of signal(7), or none", () => {
    const text = fc.oneof(nasty, fc.integer().map(String), fc.constantFrom("SIGTERM", "term", "SIGSIGTERM", "0", "65"));
    fc.assert(
      fc.property(text, (word) => {
        const signal = parseSignal(word);
        expect(signal === undefined || (signal >= 1 && signal <= 64)).toBe(true);
      }),
      runs(1000),
    );
  });
});

describe("the answer of a monitor", () => {
  test("of any text is done, a short refusal, or not yet whole", () => {
    const line = fc.oneof(
      fc.json(),
      nasty,
      fc.constantFrom('{"return":{},"id":"urunc"}', "HTTP/1.1 204", '{"error":1}'),
    );
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom("qmp", "firecracker", "cloud-hypervisor"), (lines, protocol) => {
        const answer = powerOffAnswer(protocol, lines.join("\n"));
        if (typeof answer === "object") expect(answer.refused.length).toBeLessThanOrEqual(200);
      }),
      runs(1000),
    );
  });
});
