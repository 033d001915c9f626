// Calls that something else on the machine spoils: a signal in the middle (EINTR), files that are renamed meanwhile.
// engine/interrupted.md has the table.
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { addMount, annotation, helloBundle } from "../lib/bundle.ts";
import { start, succeed, until } from "../lib/command.ts";
import { isAlive, names } from "../lib/host.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { alwaysFaulty, faulty, interrupted, stepsOf } from "../lib/inject.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel } from "../lib/linux-kernel.ts";
import { missing } from "../lib/monitor.ts";
import { urunc } from "../lib/runtime.ts";

const ID = "spoilt";
const TIMEOUT = 120_000;
const LIGHT = { "com.urunc.unikernel.unikernelType": "mirage", "com.urunc.unikernel.hypervisor": "spt" };

describe("a signal in the middle of every second call", () => {
  it("changes the outcome of no verb", { timeout: TIMEOUT }, async () => {
    const runtime = lightRuntime();
    const hook = { path: "/bin/true", args: ["true"] };
    const kinds = ["prestart", "createRuntime", "createContainer", "poststart", "poststop"];
    const hooks = Object.fromEntries(kinds.map((kind) => [kind, [hook]]));
    const namespaces = ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type }));
    const linux = { namespaces, cgroupsPath: "/interrupted" };
    const bundle = lightBundle("interrupted", { hooks, linux });
    const verb = (...args: readonly string[]) => {
      const outcome = interrupted(runtime, ...args);
      expect(outcome.interruptions, outcome.command).toBeGreaterThan(3);
      return succeed(outcome);
    };
    runtime.expectLeftover(ID);
    verb("create", "--bundle", bundle, "--pid-file", join(scratch(), "pid"), ID);
    expect(runtime.status(ID)).toBe("created");
    const { pid } = runtime.state(ID);
    verb("start", ID);
    expect(verb("state", ID).stdout()).toContain('"status": "running"');
    expect(verb("list", "--quiet").stdout()).toBe(`${ID}\n`);
    verb("pause", ID);
    verb("resume", ID);
    expect(verb("ps", ID).stdout()).toContain(String(pid));
    verb("kill", ID, "KILL");
    await until("it has ended", () => !isAlive(pid));
    verb("delete", ID);
    expect(names(runtime.root)).toEqual([]);
    verb("run", "--detach", "--bundle", bundle, ID);
    verb("delete", "--force", ID);
    expect(names(runtime.root)).toEqual([]);
  });

  it("leaves a guest of QEMU to its output and its end", { timeout: TIMEOUT }, () => {
    const runtime = urunc();
    const outcome = interrupted(runtime, "run", "--bundle", helloBundle(), ID);
    expect(outcome.stdout()).toContain("powering off");
    expect(outcome.status).toBe(0);
  });

  it.skipIf(missing("qemu-system-x86_64") !== undefined)(
    "does not make a guest an emulated one for its life",
    { timeout: TIMEOUT },
    () => {
      const runtime = urunc();
      writeFileSync(join(scratch(), "config.toml"), '[monitors.qemu]\naccel = "auto"\n');
      const bundle = helloBundle();
      const args = ["plan", "--bundle", bundle];
      const undisturbed = runtime.verb(...args).stdout();
      const questions = stepsOf(runtime, ...args).filter(({ text }) => /^ioctl\(.*KVM_/.test(text));
      expect(questions.length).toBeGreaterThan(1);
      for (const question of questions) {
        expect(faulty(runtime, question, "error=EINTR", ...args).stdout(), question.text).toBe(undisturbed);
      }
    },
  );
});

/** A process that renames a file of its own for as long as the test runs. */
async function renameInALoop(): Promise<void> {
  const [one, other] = [join(scratch(), "one"), join(scratch(), "other")];
  writeFileSync(one, "");
  const script = "for (;;) { f.renameSync(a, b); f.renameSync(b, a); }";
  const renamer = start(scratch(), [
    process.execPath,
    "-e",
    `const f = require("node:fs"), [a, b] = process.argv.slice(1); ${script}`,
    one,
    other,
  ]);
  atEnd(() => void renamer.child.kill("SIGKILL"));
  await until("it renames", () => names(scratch()).includes("other"));
}

describe("another user who renames files in a loop", () => {
  it("spoils none of a hundred containers whose image has /var/run -> ../run", { timeout: TIMEOUT }, async () => {
    const runtime = lightRuntime();
    const annotations = { ...LIGHT, "com.urunc.unikernel.binary": "/var/run/kernel" };
    const bundle = lightBundle("links", { annotations });
    const rootfs = join(bundle, "rootfs");
    mkdirSync(join(rootfs, "run"));
    mkdirSync(join(rootfs, "var"));
    symlinkSync("../run", join(rootfs, "var", "run"));
    renameSync(join(rootfs, "kernel"), join(rootfs, "run", "kernel"));
    await renameInALoop();
    const failures: string[] = [];
    for (let round = 0; round < 100; round += 1) {
      const started = runtime.verb("run", "--detach", "--bundle", bundle, ID);
      if (started.status !== 0) failures.push(started.stderr());
      succeed(runtime.verb("delete", "--force", ID));
    }
    expect(failures).toEqual([]);
  });
});

describe("another user who renames files in a loop, beside a Linux guest with a shared root", () => {
  it("spoils none of thirty with a mount below /var/run -> ../run", { timeout: TIMEOUT }, async () => {
    const kernel = debianKernel();
    const runtime = linuxRuntime(kernel);
    const bundle = linuxBundle(kernel, "sleep 60", { annotations: { [annotation("mountRootfs")]: "true" } });
    const rootfs = join(bundle, "rootfs");
    mkdirSync(join(rootfs, "run"), { recursive: true });
    mkdirSync(join(rootfs, "var"), { recursive: true });
    symlinkSync("../run", join(rootfs, "var", "run"));
    const source = join(scratch(), "secrets");
    mkdirSync(source);
    for (let number = 0; number < 20; number += 1) {
      addMount(bundle, { destination: `/var/run/secrets/${number}`, type: "bind", source, options: ["rbind", "ro"] });
    }
    await renameInALoop();
    const failures: string[] = [];
    for (let round = 0; round < 30; round += 1) {
      const started = runtime.verb("run", "--detach", "--bundle", bundle, ID);
      if (started.status !== 0) failures.push(started.stderr());
      succeed(runtime.verb("delete", "--force", ID));
    }
    expect(failures).toEqual([]);
  });
});

describe("a path that is spoilt for good", () => {
  it("is an error that names it and the reason", { timeout: TIMEOUT }, () => {
    const runtime = lightRuntime();
    const outcome = alwaysFaulty(runtime, "openat2", "EAGAIN", "create", "--bundle", lightBundle(), ID);
    expect(outcome.status).toBe(1);
    expect(outcome.stderr()).toMatch(
      /Open \/?kernel: files or mounts of this machine were renamed during each of \d+ tries/,
    );
    expect(names(runtime.root)).toEqual([]);
  });
});
