import { describe, expect, it } from "vitest";
import { parseDuration } from "../../src/commands/duration.ts";
import { exactJson, numbersOf } from "../../src/resources/statistics.ts";
import { v1Statistics } from "../../src/resources/statistics-v1.ts";
import { v2Statistics } from "../../src/resources/statistics-v2.ts";
import { parseUpdate, resourcesOfOptions } from "../../src/resources/update.ts";

const reader = (files: Readonly<Record<string, string>>) => (_: string, file: string) => files[file];
const NO_LIMIT = 2n ** 64n - 1n;

describe("statistics", () => {
  it("of cgroup v1", () => {
    const statistics = v1Statistics(
      reader({
        "cpuacct.usage": "500\n",
        "cpuacct.usage_percpu": "200 300 \n",
        "cpuacct.usage_all": "cpu user system\n0 150 50\n1 200 100\n",
        "cpuacct.stat": "user 3\nsystem 1\n",
        "cpu.stat": "nr_periods 7\nnr_throttled 0\nthrottled_time 0\n",
        "cpuset.cpus": "0-1,3\n",
        "memory.limit_in_bytes": "9223372036854771712\n",
        "memory.usage_in_bytes": "4096\n",
        "memory.stat": "cache 12\nrss 5\n",
        "pids.current": "2\n",
        "pids.max": "max\n",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 5\n8:0 Total 5\nTotal 5\n",
        "hugetlb.2MB.failcnt": "1\n",
      }),
      ["2MB"],
    );
    expect(statistics).toMatchObject({
      cpu: {
        usage: {
          total: 500,
          percpu: [200, 300],
          percpu_kernel: [50, 100],
          percpu_user: [150, 200],
          kernel: 10_000_000,
          user: 30_000_000,
        },
        throttling: { periods: 7 },
      },
      cpuset: { cpus: [0, 1, 3] },
      memory: {
        cache: 12,
        usage: { limit: 9223372036854771712n, usage: 4096, failcnt: 0 },
        raw: { cache: 12, rss: 5 },
      },
      blkio: { ioServicedRecursive: [{ major: 8, minor: 0, op: "Read", value: 5 }, { op: "Total" }] },
      hugetlb: { "2MB": { failcnt: 1 } },
    });
    expect(statistics.pids).toEqual({ current: 2 });
  });

  it("of cgroup v2 in the same members", () => {
    const statistics = v2Statistics(
      reader({
        "cpu.stat": "usage_usec 50\nuser_usec 30\nsystem_usec 20\nnr_periods 0\n",
        "cpuset.cpus.effective": "0\n",
        "memory.max": "1000\n",
        "memory.current": "600\n",
        "memory.swap.max": "max\n",
        "memory.swap.current": "50\n",
        "memory.stat": "file 9\n",
        "memory.events": "low 0\nmax 4\noom_kill 1\n",
        "pids.max": "10\n",
        "io.stat": "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n",
      }),
      [],
    );
    expect(statistics.cpu).toEqual({ usage: { total: 50_000, kernel: 20_000, user: 30_000 }, throttling: {} });
    expect(statistics.memory).toMatchObject({
      cache: 9,
      usage: { limit: 1000, usage: 600, failcnt: 4 },
      swap: { limit: NO_LIMIT, usage: 650 },
    });
    expect(statistics.pids).toEqual({ limit: 10 });
    expect(statistics.blkio.ioServiceBytesRecursive?.slice(0, 2)).toEqual([
      { major: 8, minor: 16, op: "Read", value: 1 },
      { major: 8, minor: 16, op: "Write", value: 2 },
    ]);
  });

  it("are complete when no file can be read", () => {
    for (const statistics of [v1Statistics(() => undefined, []), v2Statistics(() => undefined, [])]) {
      expect(statistics.memory.usage).toEqual({ limit: 0, failcnt: 0 });
      expect(statistics.blkio).toEqual({});
    }
  });

  it("keep every digit", () => {
    expect(exactJson({ a: NO_LIMIT, b: [1, 2n ** 60n], c: "18446744073709551615" })).toBe(
      '{"a":18446744073709551615,"b":[1,1152921504606846976],"c":"18446744073709551615"}',
    );
    expect(numbersOf("0-2,5\n")).toEqual([0, 1, 2, 5]);
  });
});

describe("update", () => {
  const options = (given: Readonly<Record<string, string>>) => resourcesOfOptions((name) => given[name]);
  const GUEST = 64 * 1024 * 1024;

  it("reads options as a file would say it", () => {
    expect(
      options({ memory: "64M", "memory-swap": "-1", "cpu-share": "2", "cpuset-cpus": "0-1", "pids-limit": "x" }),
    ).toEqual({
      memory: { limit: GUEST, swap: -1 },
      cpu: { shares: 2, cpus: "0-1" },
      pids: { limit: "x" },
    });
    expect(options({ memory: "1kb", "memory-reservation": "2g", "memory-swap": "-1m" })).toEqual({
      memory: { limit: 1024, reservation: 2 * 1024 ** 3, swap: "-1m" },
    });
  });

  it("leaves the guest's memory as it is", () => {
    const limit = (bytes: number) => parseUpdate({ memory: { limit: bytes } }, "options", GUEST);
    expect([limit(GUEST).ok, limit(-1).ok, limit(0).ok]).toEqual([true, true, true]);
    expect(limit(GUEST + 1)).toMatchObject({
      ok: false,
      problems: [{ message: expect.stringContaining("cannot grow") }],
    });
    const rounded = (bytes: number) => parseUpdate({ memory: { limit: bytes } }, "options", GUEST, GUEST + 4096);
    expect([rounded(GUEST).ok, rounded(GUEST + 4096).ok, rounded(GUEST + 1).ok]).toEqual([true, true, false]);
    expect(limit(1)).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining("cannot shrink") }] });
    expect(parseUpdate({ memory: { swap: 2 * GUEST } }, "options", GUEST)).toMatchObject({
      ok: true,
      value: { memory: { limit: GUEST, swap: 2 * GUEST } },
    });
    expect(parseUpdate({ devices: [{ allow: true, access: "rwm" }] }, "options", GUEST)).toEqual({
      ok: true,
      value: {},
      warnings: [],
    });
    expect(parseUpdate([], "options", GUEST).ok).toBe(false);
  });

  it("and events know durations as Go writes them", () => {
    expect(["5s", "1m30s", "200ms", "1.5h", "", "5", "s", "-1s"].map(parseDuration)).toEqual([
      5000,
      90_000,
      200,
      5_400_000,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
