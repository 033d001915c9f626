// System calls that a filter around urunc denies, as in a container in a container: docs/requirements.md.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { succeed, until } from "../lib/command.ts";
import { quoted, tableOf } from "../lib/engine-bindings.ts";
import { isAlive, names } from "../lib/host.ts";
import { leftovers } from "../lib/hygiene.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { HELPERS, SOURCE } from "../lib/paths.ts";
import type { Runtime } from "../lib/runtime.ts";

const ID = "denied";
const ERRORS = { EPERM: 1, ENOSYS: 38 } as const;

/** Calls that came after Linux 3.10, with what the table says of life without them. */
const rows = tableOf(readFileSync(join(SOURCE, "docs", "requirements.md"), "utf8"))
  .filter(([, since]) => since !== "3.10 or before")
  .flatMap(([calls = "", , without = ""]) => quoted(calls).map((call) => ({ call, without })))
  // Only where clone3 is denied as well.
  .filter(({ call }) => call !== "clone");

const cases = rows.flatMap(({ call, without }) =>
  Object.entries(ERRORS).map(([error, number]) => ({ call, without, error, number })),
);

/** A container with hooks, a cgroup and a file of the host: what needs most of the calls. */
function bundleWithHooks(): string {
  const hook = { path: "/bin/true", args: ["true"] };
  const kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
  const hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook]]));
  const namespaces = ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type }));
  return lightBundle("denied", { hooks, linux: { namespaces, cgroupsPath: "/denied" } });
}

/** The verbs of the test's runtime, for which the call is denied. */
function denied({ call, number }: { readonly call: string; readonly number: number }): Runtime["verb"] {
  return lightRuntime("", [join(HELPERS, "denied"), `${number}`, call]).verb;
}

describe("a system call that a filter around urunc denies", () => {
  it.each(cases)("$call with $error: works, or is an error that names it and leaves nothing", async (denial) => {
    const { call, without } = denial;
    const runtime = lightRuntime();
    const bundle = bundleWithHooks();
    const verb = denied(denial);
    runtime.expectLeftover(ID);
    const mayFail = without.startsWith("error of");
    const created = verb("create", "--bundle", bundle, ID);
    const started = created.status === 0 ? verb("start", ID) : created;
    if (mayFail && started.status !== 0) {
      expect(started.stderr()).toContain(`a system call filter around urunc denies ${call}`);
      expect(started.stderr()).toContain("see docs/requirements.md");
    } else succeed(started);
    if (created.status === 0) {
      if (started.status === 0) {
        const { pid } = runtime.state(ID);
        expect(succeed(verb("state", ID)).stdout()).toContain('"status": "running"');
        succeed(verb("kill", ID, "KILL"));
        await until("it has ended", () => !isAlive(pid));
      }
      succeed(verb("delete", ID));
    }
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it.each(cases)("$call with $error: is not in the way of ending what was made without the filter", async (denial) => {
    const runtime = lightRuntime();
    const bundle = bundleWithHooks();
    const verb = denied(denial);
    const { pid } = runtime.create(ID, bundle);
    expect(succeed(verb("state", ID)).stdout()).toContain('"status": "created"');
    succeed(runtime.verb("start", ID));
    succeed(verb("kill", ID, "TERM"));
    await until("it has ended", () => !isAlive(pid));
    succeed(verb("delete", ID));
    runtime.create(ID, bundle);
    succeed(runtime.verb("start", ID));
    succeed(verb("delete", "--force", ID));
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});

describe("a /proc that hides processes from a root without CAP_SYS_PTRACE", () => {
  it("hides no container from its runtime", async () => {
    const script = 'mount -t proc -o hidepid=4 proc /proc && exec setpriv --bounding-set=-sys_ptrace "$@"';
    const runtime = lightRuntime("", ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]);
    const bundle = bundleWithHooks();
    const { pid } = runtime.create(ID, bundle);
    expect(runtime.status(ID)).toBe("created");
    succeed(runtime.verb("start", ID));
    expect(runtime.status(ID)).toBe("running");
    succeed(runtime.verb("kill", ID, "KILL"));
    await until("it has ended", () => !isAlive(pid));
    expect(runtime.status(ID)).toBe("stopped");
    succeed(runtime.verb("delete", ID));
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});
