import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { succeed, until } from "../lib/command.ts";
import { isAlive, names, processStatus } from "../lib/host.ts";
import { atEnd, leftovers, reaped, scratch, withoutReaper } from "../lib/hygiene.ts";
import { list, parseJson, text } from "../lib/json.ts";
import { readState } from "../lib/runtime.ts";
import { SUBJECTS } from "../lib/subjects.ts";

for (const subject of SUBJECTS) {
  describe(`the lifecycle of a container, ${subject.name}`, () => {
    it("goes from created over running to stopped and leaves nothing", async () => {
      const runtime = subject.runtime();
      const bundle = subject.ending();
      const { pid, outcome } = runtime.create("one", bundle);
      const created = runtime.state("one");
      expect(created).toMatchObject({ id: "one", status: "created", pid, bundle, rootfs: join(bundle, "rootfs") });
      expect(Date.parse(created.created)).toBeGreaterThan(Date.now() - 60_000);
      expect(created.ociVersion).toMatch(/^1\./);
      expect(outcome.stdout()).toBe("");

      succeed(runtime.verb("start", "one"));
      await until("the container has ended", () => runtime.status("one") === "stopped");
      expect(outcome.stdout()).toContain("one two");
      expect(runtime.state("one").pid).toBe(0);
      await until("the container is reaped", () => reaped(pid));
      expect(reaped(pid)).toBe("exit 0");

      succeed(runtime.verb("delete", "one"));
      expect(runtime.verb("state", "one").status).toBe(1);
      expect(leftovers()).toEqual([]);
    });

    it("keeps the pid from create to the running program", async () => {
      const runtime = subject.runtime();
      const { pid, outcome } = runtime.create("stay", subject.staying());
      succeed(runtime.verb("start", "stay"));
      await until("the guest ticks", () => outcome.stdout().includes("tick 2"));
      expect(runtime.state("stay")).toMatchObject({ status: "running", pid });
      expect(isAlive(pid)).toBe(true);
    });

    it("writes the pid file as a bare number", () => {
      const runtime = subject.runtime();
      const { pidFile, pid } = runtime.create("pid", subject.staying());
      expect(readFileSync(pidFile, "utf8")).toBe(String(pid));
      expect(names(scratch()).filter((name) => name.endsWith(".pid"))).toEqual(["pid.pid"]);
    });

    it("takes the bundle from the working directory when none is named", () => {
      const runtime = subject.runtime();
      const bundle = subject.staying();
      succeed(runtime.verbWith({ cwd: bundle }, "create", "here"));
      runtime.expectLeftover("here");
      expect(runtime.state("here").bundle).toBe(bundle);
    });

    it.each([
      ["by number", "9", "signal 9"],
      ["by short name", "KILL", "signal 9"],
      ["by long name", "SIGKILL", "signal 9"],
      ["by the default, SIGTERM", "", "exit 0"],
    ])("sends the signal that is asked for, %s", async (_, signal, end) => {
      const runtime = subject.runtime();
      const { pid, outcome } = runtime.create("kill", subject.staying());
      succeed(runtime.verb("start", "kill"));
      await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
      succeed(runtime.verb("kill", "kill", ...(signal === "" ? [] : [signal])));
      expect(await until("the container is reaped", () => reaped(pid))).toBe(end);
      expect(runtime.status("kill")).toBe("stopped");
    });

    it("survives signals that do not end it, SIGWINCH for one", async () => {
      const runtime = subject.runtime();
      const { pid, outcome } = runtime.create("winch", subject.staying());
      succeed(runtime.verb("start", "winch"));
      await until("the guest ticks", () => outcome.stdout().includes("tick 1"));
      succeed(runtime.verb("kill", "winch", "SIGWINCH"));
      succeed(runtime.verb("kill", "winch", "WINCH"));
      const ticks = outcome.stdout().length;
      await until("the guest goes on", () => outcome.stdout().length > ticks);
      expect(isAlive(pid)).toBe(true);
      expect(runtime.status("winch")).toBe("running");
    });

    it("can be killed before it was started", async () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("early", subject.staying());
      succeed(runtime.verb("kill", "early", "KILL"));
      expect(await until("the container is reaped", () => reaped(pid))).toBe("signal 9");
      expect(runtime.status("early")).toBe("stopped");
      succeed(runtime.verb("delete", "early"));
    });

    it("does not start twice, nor after its end", async () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("twice", subject.staying());
      succeed(runtime.verb("start", "twice"));
      expect(runtime.verb("start", "twice").status).toBe(1);
      expect(runtime.lastError()).toContain("cannot start an already running container");
      succeed(runtime.verb("kill", "twice", "KILL"));
      await until("the container is reaped", () => reaped(pid));
      expect(runtime.verb("start", "twice").status).toBe(1);
      expect(runtime.lastError()).toContain("cannot start a container that has stopped");
    });

    it("refuses a used id and leaves the first container alone", () => {
      const runtime = subject.runtime();
      const bundle = subject.staying();
      const { pid } = runtime.create("same", bundle);
      const second = runtime.verb("create", "--bundle", bundle, "same");
      expect(second.status).toBe(1);
      expect(runtime.lastError()).toContain("container with given ID already exists");
      expect(runtime.state("same")).toMatchObject({ status: "created", pid });
    });

    it.each(["../x", "a/b", "..", ".", "a b", "ä", ""])("refuses the id %j", (id) => {
      const runtime = subject.runtime();
      const bundle = subject.staying();
      for (const args of [
        ["create", "--bundle", bundle, id],
        ["state", id],
        ["delete", "--force", id],
      ]) {
        const outcome = runtime.verb(...args);
        expect(outcome.status, args.join(" ")).toBe(1);
      }
      expect(leftovers()).toEqual([]);
      expect(names(scratch())).not.toContain("x");
    });

    it("takes every character that runc takes in an id", () => {
      const runtime = subject.runtime();
      const id = `aZ09_+-.${"x".repeat(80)}`;
      runtime.create(id, subject.staying());
      expect(runtime.status(id)).toBe("created");
    });

    it.each(["state", "start", "kill", "delete"])("says that an unknown container does not exist, %s", (verb) => {
      const runtime = subject.runtime();
      const outcome = runtime.verb(verb, "nobody");
      expect(outcome.status).toBe(1);
      expect(runtime.lastError()).toContain("container does not exist");
      expect(outcome.stderr()).toContain("container does not exist");
    });

    it("takes delete --force of an unknown container for done", () => {
      const runtime = subject.runtime();
      succeed(runtime.verb("delete", "--force", "nobody"));
    });

    it("refuses to delete a running container, which goes on", async () => {
      const runtime = subject.runtime();
      const { outcome, pid } = runtime.create("busy", subject.staying());
      succeed(runtime.verb("start", "busy"));
      expect(runtime.verb("delete", "busy").status).toBe(1);
      expect(runtime.lastError()).toContain("cannot delete container busy that is not stopped: running");
      await until("the guest goes on", () => outcome.stdout().includes("tick 2"));
      expect(isAlive(pid)).toBe(true);
    });

    it("deletes a created container without force", () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("fresh", subject.staying());
      succeed(runtime.verb("delete", "fresh"));
      expect(isAlive(pid)).toBe(false);
      expect(names(runtime.root)).toEqual([]);
    });

    it.each(["created", "running", "stopped"])("deletes by force a container that is %s", async (status) => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("force", subject.staying());
      if (status !== "created") {
        succeed(runtime.verb("start", "force"));
      }
      if (status === "stopped") {
        succeed(runtime.verb("kill", "force", "KILL"));
        await until("the container is reaped", () => reaped(pid));
      }
      expect(runtime.status("force")).toBe(status);
      succeed(runtime.verb("delete", "--force", "force"));
      expect(isAlive(pid)).toBe(false);
      expect(names(runtime.root)).toEqual([]);
    });

    it("refuses to kill a stopped container, but for --all", async () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("dead", subject.staying());
      succeed(runtime.verb("kill", "dead", "KILL"));
      await until("the container is reaped", () => reaped(pid));
      expect(runtime.verb("kill", "dead", "KILL").status).toBe(1);
      expect(runtime.lastError()).toContain("container not running");
      succeed(runtime.verb("kill", "--all", "dead", "KILL"));
    });

    it("refuses an unknown signal and sends none", () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("odd", subject.staying());
      expect(runtime.verb("kill", "odd", "SIGNONSENSE").status).toBe(1);
      expect(runtime.lastError()).toContain("unknown signal");
      expect(isAlive(pid)).toBe(true);
    });

    it("takes a dead process for stopped, even as long as nobody reaps it", async () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("gone", subject.staying());
      succeed(runtime.verb("start", "gone"));
      await withoutReaper(async () => {
        process.kill(pid, "SIGKILL");
        await until("the process is a zombie", () => processStatus(pid)?.state === "Z");
        expect(runtime.status("gone")).toBe("stopped");
      });
      succeed(runtime.verb("delete", "gone"));
      expect(names(runtime.root)).toEqual([]);
    });

    it("refuses a bundle without config.json and makes nothing", () => {
      const runtime = subject.runtime();
      const empty = join(scratch(), "empty");
      mkdirSync(empty);
      expect(runtime.verb("create", "--bundle", empty, "nothing").status).toBe(1);
      expect(runtime.lastError()).toMatch(/config\.json/);
      expect(names(runtime.root)).toEqual([]);
      expect(leftovers()).toEqual([]);
    });

    it("refuses a config.json that is no JSON and makes nothing", () => {
      const runtime = subject.runtime();
      const broken = join(scratch(), "broken");
      mkdirSync(join(broken, "rootfs"), { recursive: true });
      writeFileSync(join(broken, "config.json"), "{ no json");
      expect(runtime.verb("create", "--bundle", broken, "nothing").status).toBe(1);
      expect(names(runtime.root)).toEqual([]);
    });

    it("gives the error as JSON in the log, with a time, as the last line", () => {
      const runtime = subject.runtime();
      runtime.verb("state", "nobody");
      const last = readFileSync(runtime.log, "utf8").trimEnd().split("\n").at(-1) ?? "";
      const line = parseJson(last);
      expect(text(line, "level")).toBe("error");
      expect(text(line, "msg")).toContain("container does not exist");
      expect(text(line, "time")).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/);
    });

    it("lists its containers as table, as JSON and as bare ids", () => {
      const runtime = subject.runtime();
      const bundle = subject.staying();
      expect(succeed(runtime.verb("list")).stdout()).toMatch(/^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n$/);
      expect(succeed(runtime.verb("list", "--format", "json")).stdout()).toBe("null\n");
      const first = runtime.create("first", bundle);
      runtime.create("second", bundle);
      const table = succeed(runtime.verb("list")).stdout();
      expect(table.split("\n")[1]).toMatch(new RegExp(`^first +${first.pid} +created +${bundle} +\\d{4}-\\S+ +root$`));
      const json = parseJson(succeed(runtime.verb("list", "-f", "json")).stdout());
      expect(list(json).map((entry) => readState(entry).id)).toEqual(["first", "second"]);
      expect(succeed(runtime.verb("list", "-q")).stdout()).toBe("first\nsecond\n");
    });

    it("shows the processes of a container", () => {
      const runtime = subject.runtime();
      const { pid } = runtime.create("ps", subject.staying());
      succeed(runtime.verb("start", "ps"));
      expect(parseJson(succeed(runtime.verb("ps", "--format", "json", "ps")).stdout())).toContain(pid);
      const table = succeed(runtime.verb("ps", "ps")).stdout().trimEnd().split("\n");
      expect(table[0]).toMatch(/^UID +PID +PPID/);
      expect(table.slice(1).join("\n")).toContain(` ${pid} `);
    });

    it("runs in the foreground to the end and gives output and exit status", async () => {
      const runtime = subject.runtime();
      const running = runtime.begin("run", "--bundle", subject.ending(), "fore");
      expect(await running.ended()).toBe(0);
      expect(running.stdout()).toContain("one two");
      expect(names(runtime.root)).toEqual([]);
    });

    it("runs detached, and goes on when the runtime has returned", async () => {
      const runtime = subject.runtime();
      const pidFile = join(scratch(), "run.pid");
      const outcome = succeed(
        runtime.verb("run", "--detach", "--bundle", subject.staying(), "--pid-file", pidFile, "back"),
      );
      runtime.expectLeftover("back");
      const pid = Number(readFileSync(pidFile, "utf8"));
      expect(runtime.state("back")).toMatchObject({ status: "running", pid });
      await until("the guest ticks", () => outcome.stdout().includes("tick 2"));
    });

    it("forwards a signal while it runs in the foreground", async () => {
      const runtime = subject.runtime();
      const running = runtime.begin("run", "--bundle", subject.staying(), "forward");
      atEnd(() => void runtime.verb("delete", "--force", "forward"));
      await until("the guest ticks", () => running.stdout().includes("tick 1"));
      running.child.kill("SIGTERM");
      expect(await running.ended()).toBe(0);
      expect(names(runtime.root)).toEqual([]);
    });

    it("gives 128 + 9 when the container is killed while it runs in the foreground", async () => {
      const runtime = subject.runtime();
      const running = runtime.begin("run", "--bundle", subject.staying(), "killed");
      atEnd(() => void runtime.verb("delete", "--force", "killed"));
      await until("the guest ticks", () => running.stdout().includes("tick 1"));
      succeed(runtime.verb("kill", "killed", "KILL"));
      expect(await running.ended()).toBe(137);
    });

    it("keeps the container after run when asked to", async () => {
      const runtime = subject.runtime();
      const version = succeed(runtime.verb("run", "--help")).stdout();
      if (!version.includes("--keep")) {
        return;
      }
      const running = runtime.begin("run", "--keep", "--bundle", subject.ending(), "kept");
      expect(await running.ended()).toBe(0);
      runtime.expectLeftover("kept");
      expect(runtime.status("kept")).toBe("stopped");
    });

    it("keeps the state directory to its owner", () => {
      const runtime = subject.runtime();
      runtime.create("mode", subject.staying());
      expect(existsSync(join(runtime.root, "mode"))).toBe(true);
      expect(statSync(join(runtime.root, "mode")).mode & 0o022).toBe(0);
      expect(statSync(runtime.root).mode & 0o022).toBe(0);
    });
  });
}
