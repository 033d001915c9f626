import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { type Running, succeed, until } from "../lib/command.ts";
import { isAlive, names } from "../lib/host.ts";
import { reaped } from "../lib/hygiene.ts";
import { EXHAUSTIVE, faulty, stepsOf } from "../lib/inject.ts";
import { parseJson } from "../lib/json.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import type { Runtime } from "../lib/runtime.ts";

const ROUNDS = EXHAUSTIVE ? 10 : 2;
const MANY = 50;

/** All at once; the exit statuses. */
function together(started: readonly Running[]): Promise<readonly (number | string)[]> {
  return Promise.all(started.map((one) => one.ended()));
}

const OURS = Array.from({ length: MANY }, (_, index) => `c${index}`);

describe("fifty containers at once", () => {
  it("are created, started, listed, killed and deleted in parallel, and nothing is left", {
    timeout: 600_000,
  }, async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    const all = async (verb: (id: string) => readonly string[]): Promise<void> => {
      const statuses = await together(OURS.map((id) => runtime.begin(...verb(id))));
      expect(statuses).toEqual(OURS.map(() => 0));
    };
    for (let round = 0; round < ROUNDS; round += 1) {
      await all((id) => ["create", "--bundle", bundle, id]);
      const listing = runtime.begin("list", "--format", "json");
      await all((id) => ["start", id]);
      expect(await listing.ended()).toBe(0);
      const pids = OURS.map((id) => runtime.state(id).pid);
      expect(new Set(pids).size).toBe(MANY);
      expect(pids.every(isAlive)).toBe(true);
      await all((id) => ["kill", id, "KILL"]);
      await until("all are reaped", () => pids.every((pid) => reaped(pid) !== undefined));
      await all((id) => ["delete", id]);
      expect(names(runtime.root)).toEqual([]);
    }
  });
});

describe("one id", () => {
  it("is won by exactly one of ten processes that create it", async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    for (let round = 0; round < 10; round += 1) {
      const creating = Array.from({ length: 10 }, () => runtime.begin("create", "--bundle", bundle, "same"));
      const statuses = await together(creating);
      expect(statuses.filter((status) => status === 0)).toHaveLength(1);
      for (const [index, status] of statuses.entries()) {
        if (status !== 0) expect(creating[index]?.stderr()).toContain("container with given ID already exists");
      }
      succeed(runtime.verb("start", "same"));
      succeed(runtime.verb("delete", "--force", "same"));
    }
  });

  it("is started by exactly one of ten", async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    for (let round = 0; round < 5; round += 1) {
      runtime.create("same", bundle);
      const statuses = await together(Array.from({ length: 10 }, () => runtime.begin("start", "same")));
      expect(statuses.filter((status) => status === 0)).toHaveLength(1);
      succeed(runtime.verb("delete", "--force", "same"));
    }
  });
});

/** Runs two verbs against each other with the second a little later each time, while others look on. */
async function against(
  runtime: Runtime,
  prepare: () => void,
  first: readonly string[],
  second: readonly string[],
  judge: (statuses: readonly [number | string, number | string]) => void | Promise<void>,
): Promise<void> {
  for (let delay = 0; delay < 12; delay += 1) {
    prepare();
    const one = runtime.begin(...first);
    await sleep(delay);
    const other = runtime.begin(...second);
    const watching = [runtime.begin("state", "race"), runtime.begin("list", "--format", "json")];
    const ends = [await one.ended(), await other.ended()] as const;
    const [state, list] = await together(watching);
    expect([0, 1]).toContain(state);
    if (state === 1) expect(watching[0]?.stderr()).toContain("container does not exist");
    expect(list, watching[1]?.stderr()).toBe(0);
    parseJson(watching[1]?.stdout() ?? "");
    await judge(ends);
  }
}

describe("verbs against each other", () => {
  it("delete --force against start: the container is gone, whoever was first", async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    let pid = 0;
    const prepare = () => {
      ({ pid } = runtime.create("race", bundle));
    };
    await against(runtime, prepare, ["start", "race"], ["delete", "--force", "race"], async ([, deleted]) => {
      expect(deleted).toBe(0);
      await until("the process has ended", () => !isAlive(pid));
      expect(names(runtime.root)).toEqual([]);
    });
  });

  it("delete --force against create: what create left can be deleted, and then nothing is there", async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    const create = ["create", "--bundle", bundle, "race"];
    await against(
      runtime,
      () => undefined,
      create,
      ["delete", "--force", "race"],
      ([created, deleted]) => {
        expect([0, 1]).toContain(created);
        expect(deleted).toBe(0);
        succeed(runtime.verb("delete", "--force", "race"));
        expect(names(runtime.root)).toEqual([]);
      },
    );
  });

  it.each(["KILL", "TERM"])("kill %s against start: the container stops", async (signal) => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    let pid = 0;
    const prepare = () => {
      ({ pid } = runtime.create("race", bundle));
    };
    await against(runtime, prepare, ["start", "race"], ["kill", "race", signal], async ([, killed]) => {
      expect(killed).toBe(0);
      await until("the process has ended", () => !isAlive(pid));
      expect(runtime.status("race")).toBe("stopped");
      succeed(runtime.verb("delete", "race"));
    });
  });

  it("delete against state: what goes away while it is looked at does not exist", () => {
    const runtime = lightRuntime();
    runtime.create("race", lightBundle());
    // What is open is not missed.
    const looks = stepsOf(runtime, "state", "race").filter(
      ({ call, text }) => call === "newfstatat" && !text.includes("AT_EMPTY_PATH"),
    );
    expect(looks.length).toBeGreaterThan(0);
    for (const look of looks) {
      const outcome = faulty(runtime, look, "error=ENOENT", "state", "race");
      if (outcome.status !== 0) expect(outcome.stderr()).toContain("container does not exist");
    }
    succeed(runtime.verb("delete", "--force", "race"));
  });

  it("ten deletes of one container: it is gone", async () => {
    const runtime = lightRuntime();
    const bundle = lightBundle();
    for (let round = 0; round < 5; round += 1) {
      runtime.create("race", bundle);
      await together(Array.from({ length: 10 }, () => runtime.begin("delete", "--force", "race")));
      expect(names(runtime.root)).toEqual([]);
    }
  });
});
