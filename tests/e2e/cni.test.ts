// A real containerd with CNI's bridge plugin: the guest is reached from the bridge, without a loss.
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { annotation } from "../lib/bundle.ts";
import { bridge } from "../lib/cni.ts";
import { type Running, run, succeed, until } from "../lib/command.ts";
import { type Containerd, importImage, startContainerd } from "../lib/containerd.ts";
import { load, sha256 } from "../lib/http-load.ts";
import { atEnd, mayKeepCgroup, mustEndEmpty } from "../lib/hygiene.ts";
import { cpioOf, debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { type NetworkNamespace, networkNamespace } from "../lib/network.ts";
import { SOURCE } from "../lib/paths.ts";

const PAGE = "<p>served by a unikernel container</p>\n";
const RUNTIME = ["--runtime", "io.containerd.urunc.v2"];

let containerd: Containerd;
let kernel: LinuxKernel;
let installed = "";
let modules = "";
let web = "";
let busybox = "";

beforeAll(async () => {
  installed = mkdtempSync(join(tmpdir(), "un-"));
  kernel = debianKernel();
  succeed(run(installed, ["script/install", "--prefix", installed], { cwd: SOURCE }));
  const configuration = join(installed, "config.toml");
  const boot = `[container_boot]\ndirectories = ["${kernel.directory}", "${installed}"]\n`;
  writeFileSync(configuration, `[monitors.qemu]\naccel = "tcg"\n${boot}`);
  modules = join(installed, "modules.initrd");
  writeFileSync(modules, cpioOf(kernel.modules));
  containerd = await startContainerd([join(installed, "bin")], { URUNC_CONFIG_FILE: configuration });

  const rootfs = join(installed, "busybox");
  mkdirSync(join(rootfs, "bin"), { recursive: true });
  mkdirSync(join(rootfs, "www"));
  cpSync("/bin/busybox", join(rootfs, "bin", "busybox"));
  symlinkSync("busybox", join(rootfs, "bin", "httpd"));
  writeFileSync(join(rootfs, "www", "index.html"), PAGE);
  web = importImage(containerd, "http", ["--example", "http"]);
  busybox = importImage(containerd, "web", ["--plain", "--rootfs", rootfs, "--arg", "/bin/httpd"]);
});

afterAll(async () => {
  await containerd?.stop();
  rmSync(installed, { recursive: true, force: true });
});

/**
 * Ends the monitor and waits for ctr, which takes the network away. By its pid: `ctr tasks kill` of newer versions takes
 * the network away too, by a configuration that it would have to be shown.
 */
async function end(running: Running, id: string): Promise<void> {
  const pid = new RegExp(`^${id}\\s+(\\d+)\\s+RUNNING`, "m").exec(
    succeed(containerd.ctr("tasks", "list")).stdout(),
  )?.[1];
  process.kill(Number(pid), "SIGKILL");
  await running.ended();
}

function discardAtEnd(id: string): void {
  mustEndEmpty(containerd.runtimeRoot);
  mayKeepCgroup(`/${containerd.namespace}`);
  atEnd(() => {
    containerd.ctr("tasks", "delete", "--force", id);
    containerd.ctr("containers", "delete", id);
  });
}

function answers(host: NetworkNamespace, url: string): string | undefined {
  try {
    return host.inside("timeout", "5", "busybox", "wget", "-q", "-Y", "off", "-O", "-", url);
  } catch {
    return undefined;
  }
}

/** What is left in the bridge's namespace when the container has gone. */
function links(host: NetworkNamespace): readonly string[] {
  return [...host.inside("ip", "-o", "link", "show").matchAll(/^\d+: ([^:@]+)/gm)].map((match) => match[1] ?? "");
}

describe("containerd with CNI's bridge", () => {
  it("reaches the web server unikernel by ping and 1000 requests without a loss", async () => {
    const { host, run: runByCni } = bridge(["10.77.0.0/24"]);
    discardAtEnd("web");
    const running = runByCni(containerd, ...RUNTIME, web, "web");
    await until("the guest serves", () => {
      if (running.child.exitCode !== null) throw new Error(`ctr has ended: ${running.stderr()}`);
      return running.stdout().includes("serving on port 80");
    });
    expect(running.stdout()).toContain("address=10.77.0.2/24");
    expect(host.inside("busybox", "ping", "-c", "10", "-i", "0.1", "10.77.0.2")).toContain(" 0% packet loss");
    const page = answers(host, "http://10.77.0.2/");
    expect(page).toContain("Served by a unikernel");
    expect(load(host, "http://10.77.0.2/", 1000, 8)).toEqual({ [sha256(page ?? "")]: 1000 });
    await end(running, "web");
    expect(links(host)).toEqual(["lo", "br0"]);
  });

  // A process for each request, emulated: half a minute.
  it("reaches a Linux guest of two nics by ping, 1000 requests and IPv6 without a loss", {
    timeout: 150_000,
  }, async () => {
    const { host, run: runByCni } = bridge(["10.78.0.0/24", "fd78::/64"], "10.79.0.0/24");
    discardAtEnd("linux");
    const running = runByCni(
      ...[containerd, ...RUNTIME, "--annotation", `${annotation("bootKernel")}=${kernel.image}`],
      ...["--annotation", `${annotation("bootInitrd")}=${modules}`, busybox, "linux"],
      ...["/bin/httpd", "-f", "-p", "80", "-h", "/www"],
    );
    const url = "http://10.78.0.2/index.html";
    await until(
      "the guest serves",
      () => {
        if (running.child.exitCode !== null) throw new Error(`ctr has ended: ${running.stderr()}`);
        return answers(host, url) === PAGE;
      },
      40_000,
    );
    expect(host.inside("busybox", "ping", "-c", "10", "-i", "0.1", "10.78.0.2")).toContain(" 0% packet loss");
    expect(host.inside("busybox", "ping", "-6", "-c", "5", "-i", "0.1", "fd78::2")).toContain(" 0% packet loss");
    expect(answers(host, "http://[fd78::2]/index.html")).toBe(PAGE);
    expect(answers(host, "http://10.79.0.2/index.html")).toBe(PAGE);
    expect(host.inside("busybox", "ping", "-c", "5", "-i", "0.1", "10.79.0.2")).toContain(" 0% packet loss");
    expect(load(host, url, 1000, 4)).toEqual({ [sha256(PAGE)]: 1000 });
    await end(running, "linux");
    expect(links(host)).toEqual(["lo", "br0", "br1"]);
  });

  it("starts a container again and again in its pod's network of two nics, which stays as it was", async () => {
    const cni = bridge(["10.77.0.0/24"], "10.76.0.0/24");
    const pod = networkNamespace("pod");
    cni.attach(pod);
    const before = [pod.describe(), cni.host.describe()] as const;
    discardAtEnd("again");
    const joined = ["--with-ns", `network:${pod.path}`];
    succeed(containerd.ctr("containers", "create", ...RUNTIME, ...joined, web, "again"));
    for (let round = 0; round < 10; round++) {
      const running = containerd.begin("tasks", "start", "again");
      await until(`the guest serves in round ${round}`, () => {
        if (running.child.exitCode !== null) throw new Error(`ctr has ended: ${running.stderr()}`);
        return running.stdout().includes("serving on port 80");
      });
      for (const address of ["10.77.0.2", "10.76.0.2"]) {
        const page = answers(cni.host, `http://${address}/`) ?? "no page";
        expect(page).toContain("Served by a unikernel");
        expect(load(cni.host, `http://${address}/`, 20, 2)).toEqual({ [sha256(page)]: 20 });
      }
      await end(running, "again");
      expect(succeed(containerd.ctr("tasks", "list", "--quiet")).stdout()).toBe("");
      expect([pod.describe(before[0]), cni.host.describe(before[1])]).toEqual(before);
    }
    cni.detach(pod);
    expect(links(pod)).toEqual(["lo"]);
  });
});
