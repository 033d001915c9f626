import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { annotation, helloBundle, KERNEL, putFile } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { commandLine, isAlive, names, openFiles } from "../lib/host.ts";
import { atEnd, leftovers, reaped, scratch } from "../lib/hygiene.ts";
import { list, member, parseJson, text } from "../lib/json.ts";
import { solo5File } from "../lib/kernels.ts";
import { HELLO_BUNDLE, HELLO_KERNEL, HELPERS, SOURCE } from "../lib/paths.ts";
import { type Created, type Runtime, urunc } from "../lib/runtime.ts";

/** A unikernel that runs and ticks. */
async function ticking(runtime: Runtime, bundle: string): Promise<Created> {
  const created = runtime.create("guest", bundle);
  succeed(runtime.verb("start", "guest"));
  await until("the guest ticks", () => created.outcome.stdout().includes("tick 1"));
  return created;
}

/** Runs the bundle to its end and gives the lines the guest printed. */
async function output(runtime: Runtime, bundle: string): Promise<readonly string[]> {
  const running = runtime.begin("run", "--bundle", bundle, "guest");
  const status = await running.ended();
  expect(status, running.stderr() + running.stdout()).toBe(0);
  return running.stdout().split(/\r?\n/);
}

describe("a unikernel's guest", () => {
  it("prints what it was given, from the bundle that script/image makes", async () => {
    const lines = await output(urunc(), HELLO_BUNDLE);
    expect(lines).toContain("hello from a unikernel");
    expect(lines).toContain("argv[0]=hello");
    expect(lines).toContain("argv[1]=world");
    expect(lines).toContain("powering off");
  });

  it("gets each argument as one word, whatever is in it", async () => {
    const words = ["hello", "a b", "a,b,,c", "-append", "-monitor=stdio", "$HOME", "%s", "'", '"', "ä", "a=b", "x;y|z"];
    const lines = await output(urunc(), helloBundle({ args: words }));
    expect(lines).toContain(`argc=${words.length}`);
    for (const [index, word] of words.entries()) {
      expect(lines).toContain(`argv[${index}]=${word}`);
    }
  });

  it("gets the environment of the container", async () => {
    const lines = await output(urunc(), helloBundle({ args: ["hello"], env: ["ONE=1", "TWO=two words"] }));
    expect(lines).toContain("env[0]=ONE=1");
    expect(lines).toContain("env[1]=TWO=two words");
  });

  it.each([16, 64, 300])("gets exactly the memory of the limit, %d MiB", async (mebibytes) => {
    const lines = await output(urunc(), helloBundle({ args: ["hello"], memoryLimit: mebibytes * 1024 * 1024 }));
    expect(lines).toContain(`memory=${mebibytes * 1024 * 1024} bytes (${mebibytes} MiB)`);
  });

  it("gets the memory of the configuration file where the bundle has no limit", async () => {
    const runtime = urunc("default_memory_mb = 48\n");
    expect(await output(runtime, helloBundle({ args: ["hello"] }))).toContain(
      `memory=${48 * 1024 * 1024} bytes (48 MiB)`,
    );
  });

  it("gets the image's initrd, byte for byte", async () => {
    const bundle = helloBundle({ args: ["hello"], annotations: { [annotation("initrd")]: "/unikernel/initrd" } });
    const content = Buffer.from(Array.from({ length: 70_001 }, (_, index) => (index * 31) % 251));
    putFile(bundle, "unikernel/initrd", content);
    const crc = gzipSync(content)
      .readUInt32LE(gzipSync(content).length - 8)
      .toString(16)
      .padStart(8, "0");
    const lines = await output(urunc(), bundle);
    expect(lines).toContain(`initrd=${content.length}`);
    expect(lines.find((line) => line.startsWith("initrd-crc32="))).toMatch(new RegExp(`${crc}$`));
  });

  it("reads the metadata from urunc.json where the bundle has no annotations", async () => {
    const bundle = helloBundle({
      args: ["hello", "from-json"],
      annotations: {
        [annotation("unikernelType")]: undefined,
        [annotation("hypervisor")]: undefined,
        [annotation("binary")]: undefined,
      },
    });
    const values = { unikernelType: "unikraft", hypervisor: "qemu", binary: KERNEL };
    const encoded = Object.entries(values).map(([key, value]) => [
      annotation(key),
      Buffer.from(value).toString("base64"),
    ]);
    putFile(bundle, "urunc.json", JSON.stringify(Object.fromEntries(encoded)));
    expect(await output(urunc(), bundle)).toContain("argv[1]=from-json");
  });

  it("reads the caller's standard input as its console", async () => {
    const running = urunc().begin("run", "--bundle", helloBundle({ args: ["hello", "--echo"] }), "echo");
    await until("the guest listens", () => running.stdout().includes("echo: "));
    running.write("first line\n");
    await until("the first line comes back", () => running.stdout().includes("echo=first line"));
    running.write("second line\nquit\n");
    expect(await running.ended()).toBe(0);
    expect(running.stdout()).toContain("echo=second line");
  });

  it("gets the image's block file as a disk", async () => {
    const bundle = helloBundle({
      args: ["hello", "--stay"],
      annotations: {
        [annotation("unikernelType")]: "linux",
        [annotation("block")]: "/unikernel/disk",
        [annotation("blkMntPoint")]: "/",
      },
    });
    putFile(bundle, "unikernel/disk", "a disk".padEnd(1 << 20, "."));
    const runtime = urunc();
    const { pid } = runtime.create("guest", bundle);
    succeed(runtime.verb("start", "guest"));
    const options = commandLine(pid);
    const drive = options[options.indexOf("-drive") + 1] ?? "";
    const file = /file=([^,]*)/.exec(drive)?.[1] ?? "";
    expect(readFileSync(`/proc/${pid}/root${file}`, "utf8")).toBe(
      readFileSync(join(bundle, "rootfs", "unikernel", "disk"), "utf8"),
    );
    await until("the monitor has opened the disk", () => openFiles(pid).some((path) => path.endsWith(file)));
  });
});

describe("a unikernel's terminal", () => {
  it("goes to the console socket, and the guest reads and writes it", async () => {
    const runtime = urunc();
    const socket = join(scratch(), "console.sock");
    const receiver = start(scratch(), [join(HELPERS, "console"), socket]);
    atEnd(() => void receiver.child.kill("SIGKILL"));
    await until("the receiver listens", () => receiver.stdout().includes("listening"));
    const bundle = helloBundle({ args: ["hello", "--echo"], terminal: true });
    const { pid } = runtime.create("tty", bundle, "--console-socket", socket);
    // Callers read the runtime's output to its end before they go on, so the waiting process must not hold it open.
    expect(openFiles(pid).filter((path) => /\/(output|errors)-/.test(path))).toEqual([]);
    succeed(runtime.verb("start", "tty"));
    await until("the guest listens", () => receiver.stdout().includes("echo: "));
    expect(receiver.stdout()).toMatch(/^received \S*(ptmx|pts)/m);
    receiver.write("over the terminal\r");
    await until("the line comes back", () => receiver.stdout().includes("echo=over the terminal"));
    receiver.write("quit\r");
    await until("the terminal hangs up", () => receiver.stdout().includes("hung up"));
    await until("the container has ended", () => runtime.status("tty") === "stopped");
  });

  it("is refused to create without a console socket", () => {
    const runtime = urunc();
    const outcome = runtime.verb("create", "--bundle", helloBundle({ args: ["hello"], terminal: true }), "tty");
    expect(outcome.status).toBe(1);
    expect(runtime.lastError()).toMatch(/console.socket/);
    expect(names(runtime.root)).toEqual([]);
  });

  it("makes create fail when nobody listens at the socket, and nothing is left", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello"], terminal: true });
    const outcome = runtime.verb("create", "--bundle", bundle, "--console-socket", join(scratch(), "nobody"), "tty");
    expect(outcome.status).toBe(1);
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  it("is the caller's with run in the foreground", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--echo"], terminal: true });
    const globals = ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
    const running = start(
      scratch(),
      [join(HELPERS, "pty"), runtime.program, ...globals, "run", "--bundle", bundle, "tty"],
      {
        env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") },
      },
    );
    atEnd(() => void runtime.verb("delete", "--force", "tty"));
    await until("the guest listens", () => running.stdout().includes("echo: "));
    running.write("typed\r");
    await until("the line comes back", () => running.stdout().includes("echo=typed"));
    running.write("quit\r");
    expect(await running.ended()).toBe(0);
    expect(names(runtime.root)).toEqual([]);
  });
});

describe("a unikernel's monitor", () => {
  it("is the only process that stays after start", async () => {
    const runtime = urunc();
    const { pid } = await ticking(runtime, helloBundle({ args: ["hello", "--stay"] }));
    const processes = leftovers().filter((line) => line.startsWith("process "));
    expect(processes).toHaveLength(1);
    expect(processes[0]).toMatch(new RegExp(`^process ${pid} qemu-system`));
  });

  it("has no capabilities, no way to new privileges and a system call filter", async () => {
    const { pid } = await ticking(urunc(), helloBundle({ args: ["hello", "--stay"], seccomp: true }));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status).toMatch(new RegExp(`^${set}:\\s+0{16}$`, "m"));
    }
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^Seccomp:\s+2$/m);
  });

  it("has the user and group of the bundle", async () => {
    const { pid } = await ticking(urunc(), helloBundle({ args: ["hello", "--stay"], user: { uid: 4711, gid: 4712 } }));
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    expect(status).toMatch(/^Uid:\s+4711\s+4711\s+4711\s+4711$/m);
    expect(status).toMatch(/^Gid:\s+4712\s+4712\s+4712\s+4712$/m);
  });

  it("sees a root of its own which it cannot write to, with no more devices than it needs", async () => {
    const { pid } = await ticking(urunc(), helloBundle({ args: ["hello", "--stay"] }));
    const root = `/proc/${pid}/root`;
    const mount = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .find((fields) => fields[4] === "/");
    expect(mount?.[5]?.split(",")).toContain("ro");
    expect(names(root)).not.toContain("home");
    expect(names(`${root}/etc`).filter((name) => name !== "ld.so.cache")).toEqual([]);
    expect(names(`${root}/dev`).filter((name) => ["mem", "sda", "vda", "kmsg", "fuse"].includes(name))).toEqual([]);
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
  });

  it("has no descriptor of the runtime", async () => {
    const runtime = urunc();
    const { pid } = await ticking(runtime, helloBundle({ args: ["hello", "--stay"] }));
    const strange = openFiles(pid).filter((path) => path.startsWith(runtime.root) || path.startsWith("socket:"));
    expect(strange).toEqual([]);
    expect(openFiles(pid).filter((path) => path.startsWith(SOURCE))).toEqual([]);
  });

  it("has the host name of the bundle in its own namespace", async () => {
    const { pid } = await ticking(urunc(), helloBundle({ args: ["hello", "--stay"] }));
    expect(run(scratch(), ["nsenter", "--target", String(pid), "--uts", "uname", "-n"]).stdout()).toBe("test\n");
  });

  it("leaves the image and the bundle as they were", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello"] });
    const look = (): string => run(scratch(), ["find", bundle, "-printf", "%p %m %U %G %s %T@\n"]).stdout();
    const before = look();
    await output(runtime, bundle);
    expect(look()).toBe(before);
  });

  it("is the program that the configuration names, with the options of its kind", () => {
    const pause = join(scratch(), "my-monitor");
    succeed(run(scratch(), ["cc", "-static", "-o", pause, join(SOURCE, "bench", "pause.c")]));
    const runtime = urunc(`[monitors.spt]\npath = "${pause}"\ndefault_memory_mb = 32\n`);
    const bundle = helloBundle({
      args: ["word", "other"],
      annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: "spt" },
    });
    const kernel = solo5File("spt");
    putFile(bundle, KERNEL, kernel);
    const { pid } = runtime.create("spt", bundle);
    succeed(runtime.verb("start", "spt"));
    const options = commandLine(pid);
    expect(options[0]).toBe(pause);
    expect(options).toContain("--mem=32");
    expect(options.at(-1)).toContain("word other");
    expect(readFileSync(`/proc/${pid}/root${options.at(-2)}`).equals(kernel)).toBe(true);
  });

  it("has its exit status mapped back by run for guests that carry their own in it", async () => {
    const monitor = join(scratch(), "seven");
    writeFileSync(join(scratch(), "seven.c"), "int main(void) { return 7; }\n");
    succeed(run(scratch(), ["cc", "-static", "-o", monitor, join(scratch(), "seven.c")]));
    // The configuration begins with the table of qemu.
    const runtime = urunc(`path = "${monitor}"\ndefault_memory_mb = 512\n`);
    for (const [guest, status] of [
      ["mewz", 3],
      ["unikraft", 7],
    ] as const) {
      const bundle = helloBundle({ name: guest, annotations: { [annotation("unikernelType")]: guest } });
      const running = runtime.begin("run", "--bundle", bundle, guest);
      expect(await running.ended(), runtime.lastError()).toBe(status);
    }
  });

  it("makes create or start fail with the reason when it cannot be executed", () => {
    const broken = join(scratch(), "no-program");
    writeFileSync(broken, "no program at all\n", { mode: 0o755 });
    const runtime = urunc(`[monitors.spt]\npath = "${broken}"\n`);
    const bundle = helloBundle({
      args: ["word"],
      annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: "spt" },
    });
    putFile(bundle, KERNEL, solo5File("spt"));
    const created = runtime.verb("create", "--bundle", bundle, "bad");
    atEnd(() => void runtime.verb("delete", "--force", "bad"));
    if (created.status === 0) {
      expect(runtime.verb("start", "bad").status).toBe(1);
    }
    expect(runtime.lastError()).toMatch(/xec|ELF|program/);
    expect(runtime.lastError()?.length).toBeGreaterThan(10);
  });

  it("makes create fail when it is not installed, and says which program is missing", () => {
    const runtime = urunc(`[monitors.spt]\npath = "/not/there/solo5-spt"\n`);
    const bundle = helloBundle({
      annotations: { [annotation("unikernelType")]: "mirage", [annotation("hypervisor")]: "spt" },
    });
    expect(runtime.verb("create", "--bundle", bundle, "none").status).toBe(1);
    expect(runtime.lastError()).toContain("/not/there/solo5-spt");
    expect(names(runtime.root)).toEqual([]);
  });
});

describe("a unikernel whose image is wrong", () => {
  function refused(bundle: string): string {
    const runtime = urunc();
    const outcome = runtime.verb("create", "--bundle", bundle, "wrong");
    expect(outcome.status).toBe(1);
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
    return runtime.lastError() ?? "";
  }

  it("is refused when the kernel is missing, and the message names it", () => {
    const bundle = helloBundle();
    rmSync(join(bundle, "rootfs", KERNEL));
    expect(refused(bundle)).toContain(KERNEL);
  });

  it.each([
    ["absolute", HELLO_KERNEL],
    ["relative and too far up", `../../../../../../../../../..${HELLO_KERNEL}`],
  ])("is refused when the kernel is a symbolic link to a file of the host, %s", (_, target) => {
    const bundle = helloBundle();
    rmSync(join(bundle, "rootfs", KERNEL));
    symlinkSync(target, join(bundle, "rootfs", KERNEL));
    expect(refused(bundle)).toContain(KERNEL);
  });

  it("is refused when the kernel lies behind a link to a directory of the host", () => {
    const bundle = helloBundle({ annotations: { [annotation("binary")]: "/link/kernel" } });
    symlinkSync(join(SOURCE, "build", "examples", "hello"), join(bundle, "rootfs", "link"));
    expect(refused(bundle)).toContain("/link/kernel");
  });

  it("runs when the kernel is a link inside the image, also an absolute one", async () => {
    const bundle = helloBundle({ args: ["hello"], annotations: { [annotation("binary")]: "/boot" } });
    symlinkSync(KERNEL, join(bundle, "rootfs", "boot"));
    expect(await output(urunc(), bundle)).toContain("powering off");
  });

  it.each(["../kernel", "/unikernel/../../kernel", "/unikernel//kernel", "-kernel", "/a,b", "/"])(
    "is refused for the kernel path %j",
    (path) => {
      const message = refused(helloBundle({ annotations: { [annotation("binary")]: path } }));
      expect(message).toContain("binary");
    },
  );

  it("is refused when the kernel is none that the monitor boots, and the message says what it is", () => {
    const script = helloBundle();
    putFile(script, KERNEL, "#!/bin/sh\n");
    expect(refused(script)).toContain("it is a script");
    const other = helloBundle({ annotations: { [annotation("unikernelType")]: "mirage" } });
    putFile(other, KERNEL, solo5File("hvt"));
    expect(refused(other)).toContain("it is built for Solo5's target hvt, not for virtio");
  });

  it("is refused when the kernel is a directory", () => {
    refused(helloBundle({ annotations: { [annotation("binary")]: "/unikernel" } }));
  });

  it("is refused for a guest that the monitor cannot boot, and the message names both", () => {
    const message = refused(helloBundle({ annotations: { [annotation("unikernelType")]: "rumprun" } }));
    expect(message).toContain("rumprun");
    expect(message).toContain("qemu");
  });

  it.each(["unikernelType", "hypervisor"])("is refused for an unknown %s", (key) => {
    expect(refused(helloBundle({ annotations: { [annotation(key)]: "nonsense" } }))).toContain("nonsense");
  });

  it("is refused when the initrd is missing", () => {
    const message = refused(helloBundle({ annotations: { [annotation("initrd")]: "/unikernel/initrd" } }));
    expect(message).toContain("/unikernel/initrd");
  });

  it("is refused when there is a block file without a mount point", () => {
    refused(helloBundle({ annotations: { [annotation("unikernelType")]: "linux", [annotation("block")]: "/disk" } }));
  });

  it("is refused when urunc.json is a directory", () => {
    const bundle = helloBundle({ annotations: { [annotation("hypervisor")]: undefined } });
    mkdirSync(join(bundle, "rootfs", "urunc.json"));
    refused(bundle);
  });
});

describe("many unikernels at once", () => {
  it("runs twenty, each with its own output, and leaves nothing", async () => {
    const runtime = urunc();
    const guests = Array.from({ length: 20 }, (_, index) => {
      const id = `many-${index}`;
      const bundle = helloBundle({ name: id, args: ["hello", id], memoryLimit: 32 << 20 });
      return { id, running: runtime.begin("run", "--bundle", bundle, id) };
    });
    for (const { id, running } of guests) {
      expect(await running.ended(), running.stderr()).toBe(0);
      expect(running.stdout()).toContain(`argv[1]=${id}`);
      expect(running.stdout()).toContain("powering off");
    }
    expect(names(runtime.root)).toEqual([]);
  });

  it("lets exactly one of many creates with the same id win", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    const tries = Array.from({ length: 8 }, () => runtime.begin("create", "--bundle", bundle, "same"));
    runtime.expectLeftover("same");
    const ends = await Promise.all(tries.map((one) => one.ended()));
    expect(ends.filter((status) => status === 0)).toHaveLength(1);
    expect(ends.filter((status) => status === 1)).toHaveLength(7);
    expect(runtime.status("same")).toBe("created");
    expect(leftovers().filter((line) => line.startsWith("process "))).toHaveLength(1);
  });
});

describe("a runtime that is killed", () => {
  /** Kills the command after `ms` milliseconds, if it still runs then. */
  function interrupted(runtime: Runtime, ms: number, ...args: readonly string[]): void {
    const globals = ["--root", runtime.root, "--log", runtime.log, "--log-format", "json"];
    const limit = (ms / 1000).toFixed(4);
    run(scratch(), ["timeout", "--signal=KILL", limit, runtime.program, ...globals, ...args], {
      env: { URUNC_CONFIG_FILE: join(scratch(), "config.toml") },
    });
  }

  it("in create at any moment, leaves nothing that delete --force does not remove", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    for (let tenths = 5; tenths <= 120; tenths += 5) {
      interrupted(runtime, tenths / 10, "create", "--bundle", bundle, "cut");
      succeed(runtime.verb("delete", "--force", "cut"));
      expect(names(runtime.root)).toEqual([]);
    }
  });

  it("in start at any moment, leaves a container that is whole or can be deleted", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    for (let tenths = 5; tenths <= 120; tenths += 5) {
      succeed(runtime.verb("create", "--bundle", bundle, "cut"));
      interrupted(runtime, tenths / 10, "start", "cut");
      expect(["created", "running", "stopped"]).toContain(runtime.status("cut"));
      succeed(runtime.verb("delete", "--force", "cut"));
      expect(names(runtime.root)).toEqual([]);
    }
  });

  it("in a hook of create, leaves a half-made container that delete --force ends", async () => {
    const runtime = urunc();
    const mark = join(scratch(), "hook.pid");
    const hook = {
      path: "/bin/sh",
      args: ["sh", "-c", `echo $$ > ${mark}; exec sleep 1000`],
      env: ["PATH=/bin:/usr/bin"],
    };
    const bundle = helloBundle({ args: ["hello"], hooks: { createRuntime: [hook] } });
    const creating = runtime.begin("create", "--bundle", bundle, "half");
    await until("the hook runs", () => names(scratch()).includes("hook.pid") && readFileSync(mark, "utf8") !== "");
    expect(runtime.status("half")).toBe("creating");
    creating.child.kill("SIGKILL");
    await creating.ended();
    await until("the hook has ended with its runtime", () => !isAlive(Number(readFileSync(mark, "utf8"))));
    succeed(runtime.verb("delete", "--force", "half"));
    expect(names(runtime.root)).toEqual([]);
  });

  it("while it runs a unikernel in the foreground, leaves one that can be deleted", async () => {
    const runtime = urunc();
    const pidFile = join(scratch(), "fore.pid");
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    const running = runtime.begin("run", "--bundle", bundle, "--pid-file", pidFile, "fore");
    await until("the guest ticks", () => running.stdout().includes("tick 1"));
    running.child.kill("SIGKILL");
    await running.ended();
    const pid = Number(readFileSync(pidFile, "utf8"));
    expect(runtime.status("fore")).toBe(isAlive(pid) ? "running" : "stopped");
    succeed(runtime.verb("delete", "--force", "fore"));
    expect(isAlive(pid)).toBe(false);
    expect(await until("it is reaped", () => reaped(pid))).toBe("signal 9");
  });
});

describe("delete --force", () => {
  it.each([
    ["an empty directory", (path: string) => mkdirSync(path)],
    [
      "a directory with a broken state",
      (path: string) => {
        mkdirSync(path);
        writeFileSync(join(path, "state.json"), '{"id": ');
      },
    ],
  ])("removes %s that an earlier crash left", (_, make) => {
    const runtime = urunc();
    mkdirSync(runtime.root);
    make(join(runtime.root, "rest"));
    succeed(runtime.verb("delete", "--force", "rest"));
    expect(names(runtime.root)).toEqual([]);
  });
});

describe("plan", () => {
  it("shows the monitor's command line and changes nothing", () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "planned"] });
    const printed = succeed(runtime.verb("plan", "--bundle", bundle)).stdout();
    expect(printed).toContain("qemu-system");
    expect(printed).toContain("planned");
    expect(printed).toContain(KERNEL);
    expect(leftovers()).toEqual([]);
    expect(names(runtime.root)).toEqual([]);
  });

  it("shows as JSON what the monitor is then started with", async () => {
    const runtime = urunc();
    const bundle = helloBundle({ args: ["hello", "--stay"] });
    const answer = parseJson(succeed(runtime.verb("plan", "--bundle", bundle, "--format", "json")).stdout());
    const plan = member(answer, "plan") ?? answer;
    expect(text(plan, "guest")).toBe("unikraft");
    expect(text(plan, "accelerator")).toBe("tcg");
    const { pid } = await ticking(runtime, bundle);
    expect(list(plan, "exec", "argv")).toEqual(commandLine(pid));
  });

  it("says what is missing and fails", () => {
    const runtime = urunc();
    const bundle = helloBundle();
    rmSync(join(bundle, "rootfs", KERNEL));
    const outcome = runtime.verb("plan", "--bundle", bundle);
    expect(outcome.status).toBe(1);
    expect(outcome.stdout() + outcome.stderr()).toContain(KERNEL);
  });
});
