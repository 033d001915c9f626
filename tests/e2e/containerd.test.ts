// A real containerd runs the unikernel. The cgroup of its namespace stays until the end.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { run, start, succeed, until } from "../lib/command.ts";
import { type Containerd, importImage, startContainerd } from "../lib/containerd.ts";
import { commandLine, isAlive, names } from "../lib/host.ts";
import { atEnd, mayKeepCgroup, mustEndEmpty } from "../lib/hygiene.ts";
import { HELLO_IMAGE, HELPERS, SOURCE } from "../lib/paths.ts";

const HELLO = "urunc.local/hello:latest";
const JUDGED = process.env.URUNC_TEST_BINARY === undefined;

let containerd: Containerd;
let installed = "";
let busybox = "";
let broken = "";

beforeAll(async () => {
  installed = mkdtempSync(join(tmpdir(), "ui-"));
  if (JUDGED) {
    succeed(run(installed, ["script/install", "--prefix", installed], { cwd: SOURCE }));
  }
  const configuration = join(installed, "config.toml");
  writeFileSync(configuration, '[monitors.qemu]\naccel = "tcg"\n');
  containerd = await startContainerd([join(installed, "bin")], { URUNC_CONFIG_FILE: configuration });

  const rootfs = join(installed, "busybox");
  mkdirSync(join(rootfs, "bin"), { recursive: true });
  cpSync("/bin/busybox", join(rootfs, "bin", "busybox"));
  for (const applet of ["sh", "sleep", "echo"]) {
    symlinkSync("busybox", join(rootfs, "bin", applet));
  }
  busybox = importImage(containerd, "busybox", ["--plain", "--rootfs", rootfs, "--arg", "/bin/sh"]);
  broken = importImage(containerd, "broken", ["--no-kernel"]);
  succeed(containerd.ctr("images", "import", HELLO_IMAGE));
});

afterAll(async () => {
  await containerd?.stop();
  rmSync(installed, { recursive: true, force: true });
});

interface Task {
  readonly pid: number;
  readonly status: string;
}

function task(id: string): Task | undefined {
  const line = succeed(containerd.ctr("tasks", "list"))
    .stdout()
    .split("\n")
    .map((row) => row.split(/ +/))
    .find(([name]) => name === id);
  return line === undefined ? undefined : { pid: Number(line[1]), status: line[2] ?? "" };
}

/** Ends the container whatever state it is in. */
function discardAtEnd(id: string): void {
  mustEndEmpty(containerd.runtimeRoot);
  mayKeepCgroup(`/${containerd.namespace}`);
  atEnd(() => {
    containerd.ctr("tasks", "delete", "--force", id);
    containerd.ctr("containers", "delete", id);
  });
}

async function runToEnd(runtime: readonly string[], image: string, id: string, args: readonly string[] = []) {
  discardAtEnd(id);
  const running = containerd.begin("run", "--rm", ...runtime, image, id, ...args);
  return { status: await running.ended(), stdout: running.stdout(), stderr: running.stderr() };
}

/** `ctr run --tty` with a terminal of its own. */
async function runOnTerminal(runtime: readonly string[], image: string, id: string, args: readonly string[]) {
  discardAtEnd(id);
  const address = ["--address", join(containerd.directory, "c.sock"), "--namespace", containerd.namespace];
  const running = start(containerd.directory, [
    ...[join(HELPERS, "pty"), "ctr", ...address],
    ...["run", "--rm", "--tty", ...runtime, image, id, ...args],
  ]);
  atEnd(() => void running.child.kill("SIGKILL"));
  return { status: await running.ended(), stdout: running.stdout() };
}

interface Way {
  readonly name: string;
  readonly runtime: () => readonly string[];
}

const RUNC: Way = { name: "runc itself, which judges the test", runtime: () => ["--runtime", "io.containerd.runc.v2"] };
const WAYS: readonly Way[] = JUDGED
  ? [
      { name: "the runtime name io.containerd.urunc.v2", runtime: () => ["--runtime", "io.containerd.urunc.v2"] },
      {
        name: "runc's shim with --runc-binary",
        runtime: () => ["--runtime", "io.containerd.runc.v2", "--runc-binary", join(installed, "bin", "urunc")],
      },
    ]
  : [];

describe.runIf(JUDGED)("containerd with two runtimes of two configurations", () => {
  it("refuses an ordinary image by the one that refuses them, and runs it by the other", async () => {
    const binaries = ["refuse", "runc"].map((ordinary) => {
      const file = join(installed, `${ordinary}.toml`);
      writeFileSync(file, `[monitors.qemu]\naccel = "tcg"\n[runtime]\nordinary = "${ordinary}"\n`);
      const binary = join(installed, `urunc-${ordinary}`);
      writeFileSync(binary, `#!/bin/sh\nexec ${join(installed, "bin", "urunc")} --config ${file} "$@"\n`, {
        mode: 0o755,
      });
      return ["--runtime", "io.containerd.runc.v2", "--runc-binary", binary];
    });
    const [refuse = [], other = []] = binaries;
    const refused = await runToEnd(refuse, busybox, "two-refused", ["/bin/echo", "out"]);
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain("it names no unikernel");
    expect(await runToEnd(other, busybox, "two-run", ["/bin/echo", "out"])).toMatchObject({
      status: 0,
      stdout: "out\n",
    });
    expect((await runToEnd(refuse, HELLO, "two-guest")).stdout).toContain("hello from a unikernel");
  });
});

for (const way of [RUNC, ...WAYS]) {
  describe(`containerd with an ordinary image by ${way.name}`, () => {
    it("runs it to the end with output and exit status", async () => {
      const end = await runToEnd(way.runtime(), busybox, "plain", ["/bin/sh", "-c", "echo from a container; exit 3"]);
      expect(end).toMatchObject({ status: 3, stdout: "from a container\n" });
    });

    it("runs it detached, executes a process in it, pauses, resumes, kills and deletes it", async () => {
      discardAtEnd("plain-back");
      succeed(containerd.ctr("run", "-d", ...way.runtime(), busybox, "plain-back", "/bin/sleep", "1000"));
      expect(task("plain-back")?.status).toBe("RUNNING");
      const executed = succeed(
        containerd.ctr("tasks", "exec", "--exec-id", "x", "plain-back", "/bin/echo", "from an exec"),
      );
      expect(executed.stdout()).toContain("from an exec");
      succeed(containerd.ctr("tasks", "pause", "plain-back"));
      expect(task("plain-back")?.status).toBe("PAUSED");
      succeed(containerd.ctr("tasks", "resume", "plain-back"));
      succeed(containerd.ctr("tasks", "kill", "--signal", "SIGKILL", "plain-back"));
      await until("the task has stopped", () => task("plain-back")?.status === "STOPPED");
      containerd.ctr("tasks", "delete", "plain-back");
      expect(task("plain-back")).toBeUndefined();
      succeed(containerd.ctr("containers", "delete", "plain-back"));
    });

    it("gives it a terminal", async () => {
      const end = await runOnTerminal(way.runtime(), busybox, "plain-tty", ["/bin/echo", "on-a-terminal"]);
      expect(end.stdout).toMatch(/on-a-terminal\r+\n/);
      expect(end.status).toBe(0);
    });

    it("tells why a program is not there", async () => {
      const end = await runToEnd(way.runtime(), busybox, "plain-bad", ["/bin/not-there"]);
      expect(end.status).not.toBe(0);
      expect(end.stderr).toContain("/bin/not-there");
    });
  });
}

for (const way of WAYS) {
  describe(`containerd with a unikernel by ${way.name}`, () => {
    it("runs it to the end with the guest's output and the exit status", async () => {
      const end = await runToEnd(way.runtime(), HELLO, "hello");
      expect(end.stderr).toBe("");
      expect(end.stdout).toContain("hello from a unikernel");
      expect(end.stdout).toContain("argv[1]=world");
      expect(end.stdout).toContain("powering off");
      expect(end.status).toBe(0);
      expect(task("hello")).toBeUndefined();
      expect(names(containerd.runtimeRoot)).toEqual([]);
    });

    it("gives the arguments of the command line to the guest", async () => {
      const end = await runToEnd(way.runtime(), HELLO, "args", ["other", "--word", "a=b"]);
      expect(end.stdout).toContain("argv[0]=other");
      expect(end.stdout).toContain("argv[1]=--word");
      expect(end.stdout).toContain("argv[2]=a=b");
    });

    it("runs it detached; it is listed, killed and deleted", async () => {
      discardAtEnd("back");
      succeed(containerd.ctr("run", "-d", ...way.runtime(), HELLO, "back", "hello", "--stay"));
      const running = await until("the task runs", () => task("back"));
      expect(running.status).toBe("RUNNING");
      expect(commandLine(running.pid).join(" ")).toContain("qemu-system");
      expect(succeed(containerd.ctr("tasks", "ps", "back")).stdout()).toContain(String(running.pid));
      succeed(containerd.ctr("tasks", "kill", "--signal", "SIGKILL", "back"));
      await until("the task has stopped", () => task("back")?.status === "STOPPED");
      expect(isAlive(running.pid)).toBe(false);
      containerd.ctr("tasks", "delete", "back");
      expect(task("back")).toBeUndefined();
      succeed(containerd.ctr("containers", "delete", "back"));
      expect(names(containerd.runtimeRoot)).toEqual([]);
    });

    it("gives it a terminal", async () => {
      const end = await runOnTerminal(way.runtime(), HELLO, "tty", ["hello", "on-a-terminal"]);
      expect(end.stdout).toMatch(/argv\[1\]=on-a-terminal\r+\n/);
      expect(end.status).toBe(0);
    });

    it("tells ctr that the image's kernel is missing", async () => {
      const end = await runToEnd(way.runtime(), broken, "broken");
      expect(end.status).not.toBe(0);
      expect(end.stderr).toMatch(/OCI runtime create failed/);
      expect(end.stderr).toContain("/unikernel/kernel");
      expect(names(containerd.runtimeRoot)).toEqual([]);
    });

    it("runs twenty unikernels at once and leaves nothing of them", async () => {
      const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`);
      const ends = await Promise.all(ids.map((id) => runToEnd(way.runtime(), HELLO, id, ["hello", id])));
      for (const [index, end] of ends.entries()) {
        expect(end.stdout).toContain(`argv[1]=many-${index}`);
        expect(end.status).toBe(0);
      }
      expect(names(containerd.runtimeRoot)).toEqual([]);
      expect(
        existsSync(
          join(containerd.directory, "state", "io.containerd.runtime.v2.task", containerd.namespace, "many-0"),
        ),
      ).toBe(false);
    });
  });
}
