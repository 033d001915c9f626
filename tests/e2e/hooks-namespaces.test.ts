// Hooks and namespaces, for runc and urunc alike.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Hook, type Hooks, NAMESPACES } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { isAlive, names, namespaceOf } from "../lib/host.ts";
import { atEnd, leftovers, reaped, scratch } from "../lib/hygiene.ts";
import { number, parseJson, text } from "../lib/json.ts";
import { SUBJECTS } from "../lib/subjects.ts";

interface HookRecord {
  readonly name: string;
  /** The uts namespace it ran in. */
  readonly namespace: string;
  readonly state: unknown;
}

const journal = (): string => join(scratch(), "hooks.txt");

/** A hook that writes its name, its uts namespace and its standard input to the journal. */
function recording(name: string): Hook {
  return {
    path: "/bin/sh",
    args: ["sh", "-c", `state=$(cat); echo "$NAME $(readlink /proc/self/ns/uts) $state" >> ${journal()}`],
    env: [`NAME=${name}`, "PATH=/usr/bin:/bin"],
  };
}

function shell(script: string, timeout?: number): Hook {
  const hook = { path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/bin:/bin"] };
  return timeout === undefined ? hook : { ...hook, timeout };
}

function recordingHooks(kinds: readonly string[]): Hooks {
  return Object.fromEntries(kinds.map((kind) => [kind, [recording(`${kind}-1`), recording(`${kind}-2`)]]));
}

function recorded(): readonly HookRecord[] {
  if (!existsSync(journal())) {
    return [];
  }
  return readFileSync(journal(), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name = "", namespace = "", ...rest] = line.split(" ");
      return { name, namespace, state: parseJson(rest.join(" ")) };
    });
}

for (const subject of SUBJECTS) {
  /** A test of what runc 1.1 does otherwise, or does not have. */
  const onlyOurs = (name: string, run: () => void | Promise<void>) => {
    if (subject.name === "urunc") it(name, run);
  };

  describe(`the hooks of a container, ${subject.name}`, () => {
    it("run in order, in their namespaces, with the state on standard input", async () => {
      const runtime = subject.runtime();
      const hooks = recordingHooks(["prestart", "createRuntime", "createContainer", "poststop"]);
      const bundle = subject.staying({ hooks });
      const { pid } = runtime.create("hooks", bundle);
      const inside = namespaceOf(pid, "uts");
      const outside = namespaceOf("self", "uts");
      const afterCreate = recorded();
      expect(afterCreate.map(({ name }) => name)).toEqual([
        "prestart-1",
        "prestart-2",
        "createRuntime-1",
        "createRuntime-2",
        "createContainer-1",
        "createContainer-2",
      ]);
      expect(afterCreate.map(({ namespace }) => namespace)).toEqual([
        outside,
        outside,
        outside,
        outside,
        inside,
        inside,
      ]);
      for (const { state } of afterCreate) {
        expect(text(state, "id")).toBe("hooks");
        expect(text(state, "bundle")).toBe(bundle);
        expect(text(state, "status")).toBe("creating");
        expect(text(state, "ociVersion")).toMatch(/^1\./);
      }
      expect(number(afterCreate[0]?.state, "pid")).toBe(pid);
      expect(number(afterCreate[2]?.state, "pid")).toBe(pid);

      succeed(runtime.verb("start", "hooks"));
      succeed(runtime.verb("kill", "hooks", "KILL"));
      await until("the container is reaped", () => reaped(pid));
      succeed(runtime.verb("delete", "hooks"));
      const afterDelete = recorded().slice(6);
      expect(afterDelete.map(({ name }) => name)).toEqual(["poststop-1", "poststop-2"]);
      expect(afterDelete.map(({ namespace }) => namespace)).toEqual([outside, outside]);
      expect(text(afterDelete[0]?.state, "status")).toBe("stopped");
    });

    // runc 1.1 runs them in create, which the specification does not say.
    onlyOurs("run after the start when they are poststart hooks", () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("post", subject.staying({ hooks: recordingHooks(["poststart"]) }));
      expect(recorded()).toEqual([]);
      succeed(runtime.verb("start", "post"));
      expect(recorded().map(({ name }) => name)).toEqual(["poststart-1", "poststart-2"]);
      expect(recorded().map(({ namespace }) => namespace)).toEqual([
        namespaceOf("self", "uts"),
        namespaceOf("self", "uts"),
      ]);
      expect(text(recorded()[0]?.state, "status")).toBe("running");
      expect(number(recorded()[0]?.state, "pid")).toBe(pid);
    });

    onlyOurs("go on after a poststop hook that fails, and delete succeeds", () => {
      const runtime = subject.runtime();
      const hooks = { poststop: [shell("exit 5"), recording("after")] };
      runtime.create("stop", subject.staying({ hooks }));
      succeed(runtime.verb("delete", "stop"));
      expect(recorded().map(({ name }) => name)).toEqual(["after"]);
      expect(names(runtime.root)).toEqual([]);
    });

    onlyOurs("run in the monitor's root, before the monitor, when they are startContainer hooks", () => {
      const runtime = subject.runtime();
      const qemu = run(scratch(), ["sh", "-c", "readlink -f $(command -v qemu-system-x86_64)"]).stdout().trim();
      runtime.create(
        "good",
        subject.staying({ hooks: { startContainer: [{ path: qemu, args: ["qemu", "--version"] }] } }),
      );
      succeed(runtime.verb("start", "good"));
      const outside = subject.staying({ name: "bad", hooks: { startContainer: [shell("true")] } });
      runtime.create("bad", outside);
      expect(runtime.verb("start", "bad").status).toBe(1);
      expect(runtime.lastError()).toContain("startContainer");
      expect(runtime.status("bad")).toBe("stopped");
    });

    it.each(["prestart", "createRuntime", "createContainer"])(
      "make create fail and undo everything when one fails, %s",
      (kind) => {
        const runtime = subject.runtime();
        const hooks = { [kind]: [shell("echo the reason >&2; exit 7"), recording("never")] };
        const outcome = runtime.verb("create", "--bundle", subject.staying({ hooks }), "failing");
        expect(outcome.status).toBe(1);
        expect(runtime.lastError()).toContain("exit status 7");
        expect(runtime.lastError()).toContain("the reason");
        expect(recorded()).toEqual([]);
        expect(names(runtime.root)).toEqual([]);
        expect(leftovers()).toEqual([]);
      },
    );

    onlyOurs("make start fail and the container stop when a poststart hook fails", async () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("post", subject.staying({ hooks: { poststart: [shell("exit 3")] } }));
      expect(runtime.verb("start", "post").status).toBe(1);
      await until("the container has ended", () => !isAlive(pid));
    });

    it("make create fail when one takes longer than its timeout", () => {
      const runtime = subject.runtime();
      const bundle = subject.staying({ hooks: { createRuntime: [shell("exec sleep 30", 1)] } });
      const begin = Date.now();
      expect(runtime.verb("create", "--bundle", bundle, "slow").status).toBe(1);
      expect(Date.now() - begin).toBeLessThan(10_000);
      expect(names(runtime.root)).toEqual([]);
    });
  });

  describe(`the namespaces of a container, ${subject.name}`, () => {
    it("are new for each kind without a path and the host's for each kind left out", () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("new", subject.staying());
      for (const kind of ["pid", "ipc", "uts", "mnt", "net"]) {
        expect(namespaceOf(pid, kind), kind).not.toBe(namespaceOf("self", kind));
      }
      expect(namespaceOf(pid, "user")).toBe(namespaceOf("self", "user"));
      const few = runtime.create(
        "few",
        subject.staying({
          name: "few",
          namespaces: NAMESPACES.filter(({ type }) => type !== "network" && type !== "ipc"),
        }),
      );
      expect(namespaceOf(few.pid, "net")).toBe(namespaceOf("self", "net"));
      expect(namespaceOf(few.pid, "ipc")).toBe(namespaceOf("self", "ipc"));
    });

    it("joins a network namespace by its path", async () => {
      const runtime = subject.runtime();
      const path = join(scratch(), "netns");
      writeFileSync(path, "");
      succeed(run(scratch(), ["unshare", `--net=${path}`, "true"]));
      atEnd(() => void succeed(run(scratch(), ["umount", path])));
      const wanted = run(scratch(), ["nsenter", `--net=${path}`, "readlink", "/proc/self/ns/net"])
        .stdout()
        .trim();
      const namespaces = NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path } : entry));
      const { pid, outcome } = runtime.create("net", subject.staying({ namespaces }));
      expect(namespaceOf(pid, "net")).toBe(wanted);
      succeed(runtime.verb("start", "net"));
      await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
      expect(namespaceOf(pid, "net")).toBe(wanted);
    });

    onlyOurs(
      "takes the mounts of a mount namespace by its path, and makes the monitor's root in one of its own",
      async () => {
        const runtime = subject.runtime();
        const marker = join(scratch(), "marker");
        mkdirSync(marker);
        const found = join(scratch(), "found");
        const script = `mount -t tmpfs tmpfs ${marker} && echo inside > ${marker}/file && exec sleep 60`;
        const holder = start(scratch(), ["unshare", "--mount", "--propagation", "private", "sh", "-c", script]);
        atEnd(async () => {
          holder.child.kill("SIGKILL");
          await holder.ended();
        });
        const holderPid = holder.child.pid ?? 0;
        const path = `/proc/${holderPid}/ns/mnt`;
        await until("the mounts are there", () => existsSync(`/proc/${holderPid}/root${marker}/file`));
        const hook = {
          path: "/bin/sh",
          args: ["sh", "-c", `cat ${marker}/file > ${found}`],
          env: ["PATH=/usr/bin:/bin"],
        };
        const namespaces = NAMESPACES.map((entry) => (entry.type === "mount" ? { ...entry, path } : entry));
        const { pid, outcome } = runtime.create(
          "mounts",
          subject.staying({ namespaces, hooks: { createContainer: [hook] } }),
        );
        expect(readFileSync(found, "utf8")).toBe("inside\n");
        succeed(runtime.verb("start", "mounts"));
        await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
        expect([namespaceOf(holderPid, "mnt"), namespaceOf("self", "mnt")]).not.toContain(namespaceOf(pid, "mnt"));
        expect(existsSync(`${marker}/file`)).toBe(false);
      },
    );

    it("joins those of another container, as the containers of a pod do", async () => {
      const runtime = subject.runtime();
      const first = runtime.create("first", subject.staying());
      const shared = ["ipc", "uts", "network"];
      const file = (type: string): string => (type === "network" ? "net" : type);
      const namespaces = NAMESPACES.map(({ type }) =>
        shared.includes(type) ? { type, path: `/proc/${first.pid}/ns/${file(type)}` } : { type },
      );
      const second = runtime.create("second", subject.staying({ name: "second", namespaces }));
      for (const type of shared) {
        expect(namespaceOf(second.pid, file(type)), type).toBe(namespaceOf(first.pid, file(type)));
      }
      expect(namespaceOf(second.pid, "pid")).not.toBe(namespaceOf(first.pid, "pid"));
      succeed(runtime.verb("start", "second"));
      await until("the guest ticks", () => second.outcome.stdout().includes("tick 1"));
    });

    it("refuses a namespace path that is none, and makes nothing", () => {
      const runtime = subject.runtime();
      const namespaces = NAMESPACES.map((entry) =>
        entry.type === "network" ? { ...entry, path: "/etc/hostname" } : entry,
      );
      expect(runtime.verb("create", "--bundle", subject.staying({ namespaces }), "none").status).toBe(1);
      expect(names(runtime.root)).toEqual([]);
      expect(leftovers()).toEqual([]);
    });
  });
}
