// The container's rootfs as the root of a Linux guest, shared by virtiofs and by 9p.
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, type BundleOptions, putFile } from "../lib/bundle.ts";
import { run, succeed, until } from "../lib/command.ts";
import { descendants, isAlive } from "../lib/host.ts";
import { scratch } from "../lib/hygiene.ts";
import { linesOf, linuxBundle, linuxRuntime } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import type { Runtime } from "../lib/runtime.ts";

const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) & 255));
const SUM = createHash("sha256").update(CONTENT).digest("hex");

let cloud: LinuxKernel;
beforeAll(() => {
  cloud = debianKernel();
});

function shared(kernel: LinuxKernel, script: string, options: BundleOptions = {}): string {
  const bundle = linuxBundle(kernel, script, {
    ...options,
    annotations: { [annotation("mountRootfs")]: "true", ...options.annotations },
  });
  putFile(bundle, "data/content", CONTENT);
  return bundle;
}

function planText(runtime: Runtime, bundle: string): string {
  return succeed(runtime.verb("plan", "--bundle", bundle)).stdout();
}

const LOOK = 'while read d p t r; do [ "$p" = / ] && echo "root $t"; done < /proc/mounts; sha256sum /data/content';

/** Another virtiofsd than the host's: the one in Rust, where Debian has the older one. */
const { URUNC_TEST_VIRTIOFSD } = process.env;
const SERVERS = ["", ...(URUNC_TEST_VIRTIOFSD === undefined ? [] : [URUNC_TEST_VIRTIOFSD])];

describe("virtiofs", () => {
  it.each(SERVERS)("shares the rootfs for reading and writing, owners included %s", async (path) => {
    const runtime = linuxRuntime(cloud, path === "" ? "" : `[extra_binaries.virtiofsd]\npath = "${path}"\n`);
    const script = `${LOOK}; echo written > /data/new; chown 12:34 /data/new; mkdir /data/dir; stat -c '%u:%g' /data/new`;
    const bundle = shared(cloud, script, { writable: true });
    expect(planText(runtime, bundle)).toMatch(/root +the container's rootfs, by virtiofs\n +not by rootfs-block: /);
    const lines = await linesOf(runtime, bundle);
    expect(lines).toContain("root virtiofs");
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(lines).toContain("12:34");
    const made = join(bundle, "rootfs/data/new");
    expect(readFileSync(made, "utf8")).toBe("written\n");
    expect([statSync(made).uid, statSync(made).gid]).toEqual([12, 34]);
  });

  it.each(SERVERS.slice(1))("serves a user who is not root %s", async (path) => {
    const runtime = linuxRuntime(cloud, `[extra_binaries.virtiofsd]\npath = "${path}"\n`);
    const bundle = shared(cloud, LOOK, { user: { uid: 1000, gid: 1000 } });
    expect(await linesOf(runtime, bundle)).toContain(`${SUM}  /data/content`);
  });

  it("shares a read-only root so that nobody can write to it", async () => {
    const bundle = shared(cloud, `${LOOK}; mount -o remount,rw /; echo x > /data/new; echo "status $?"`);
    const lines = await linesOf(linuxRuntime(cloud), bundle);
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(lines).toContain("status 1");
    expect(existsSync(join(bundle, "rootfs/data/new"))).toBe(false);
  });

  it("gives the server no descriptor that the caller has for the monitor", async () => {
    const runtime = linuxRuntime(cloud);
    const bundle = shared(cloud, "sleep 60");
    const words = [runtime.program, "--root", runtime.root, "create", "--preserve-fds", "6", "--bundle", bundle, "fds"];
    const env = { URUNC_CONFIG_FILE: join(scratch(), "config.toml") };
    const script = 'exec 3<one 4<one 5<one 6<one 7<one 8<one; exec "$@"';
    writeFileSync(join(scratch(), "one"), "");
    runtime.expectLeftover("fds");
    succeed(run(scratch(), ["sh", "-c", script, "sh", ...words], { env }));
    succeed(runtime.verb("start", "fds"));
    const { pid } = runtime.state("fds");
    const server = await until("the server runs", () => descendants(pid).find(({ name }) => name === "virtiofsd"));
    const targets = (owner: number) =>
      readdirSync(`/proc/${owner}/fd`).map((fd) => readlinkSync(`/proc/${owner}/fd/${fd}`));
    expect(targets(pid)).toContain(join(scratch(), "one"));
    expect(targets(server.pid)).not.toContain(join(scratch(), "one"));
  });

  async function served(): Promise<{ monitor: number; server: number }> {
    const runtime = linuxRuntime(cloud);
    const { pid, outcome } = runtime.create("served", shared(cloud, "echo up; sleep 60"));
    succeed(runtime.verb("start", "served"));
    const [server] = descendants(pid);
    expect(server?.name).toBe("virtiofsd");
    await until("the guest is up", () => outcome.stdout().includes("up"), 30_000);
    return { monitor: pid, server: server?.pid ?? 0 };
  }

  it("ends the monitor when the server ends, since the guest has lost its root", async () => {
    const { monitor, server } = await served();
    process.kill(server, "SIGKILL");
    await until("the monitor has ended", () => !isAlive(monitor));
  });

  it("leaves no server behind when the monitor is killed", async () => {
    const { monitor, server } = await served();
    process.kill(monitor, "SIGKILL");
    await until("the server has ended", () => !isAlive(server));
  });

  it("says at create that the configured server is missing, and takes 9p", () => {
    const runtime = linuxRuntime(cloud, '[extra_binaries.virtiofsd]\npath = "/nothing/virtiofsd"\n');
    const text = planText(runtime, shared(cloud, ""));
    expect(text).toMatch(/not by virtiofs: virtiofsd is not installed where extra_binaries.virtiofsd.path says/);
    expect(text).toMatch(/root +the container's rootfs, by 9p/);
  });

  it("says at start that the server cannot be executed", () => {
    const program = join(scratch(), "virtiofsd");
    writeFileSync(program, "#!/nothing\n", { mode: 0o755 });
    const runtime = linuxRuntime(cloud, `[extra_binaries.virtiofsd]\npath = "${program}"\n`);
    runtime.create("broken", shared(cloud, ""));
    expect(runtime.verb("start", "broken").status).toBe(1);
    expect(runtime.lastError()).toMatch(/Start .*virtiofsd: execve .*No such file/);
  });
});

describe("9p", () => {
  it("shares the rootfs with a kernel that has it", async () => {
    const full = debianKernel("full");
    const runtime = linuxRuntime(full, '[extra_binaries.virtiofsd]\npath = "/nothing"\n');
    const bundle = shared(full, `${LOOK}; echo written > /data/new; ls -l /data/new`, { writable: true });
    const lines = await linesOf(runtime, bundle);
    expect(lines).toContain("root 9p");
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(readFileSync(join(bundle, "rootfs/data/new"), "utf8")).toBe("written\n");
  });

  it("shares a read-only root so that nobody can write to it", async () => {
    const full = debianKernel("full");
    const runtime = linuxRuntime(full, '[extra_binaries.virtiofsd]\npath = "/nothing"\n');
    const bundle = shared(full, `${LOOK}; mount -o remount,rw /; echo x > /data/new; echo "status $?"`);
    const lines = await linesOf(runtime, bundle);
    expect(lines).toContain(`${SUM}  /data/content`);
    expect(lines).toContain("status 1");
    expect(existsSync(join(bundle, "rootfs/data/new"))).toBe(false);
  });
});
