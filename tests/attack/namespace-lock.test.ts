// A process of the pod that holds the lock of the network namespace, which anybody who can open it may (flock(2)): it may
// be in the way of a start, never of a delete.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { succeed, until } from "../lib/command.ts";
import { solo5File } from "../lib/kernels.ts";
import { lightBundle, lightRuntime } from "../lib/light.ts";
import { type NetworkNamespace, podNetwork } from "../lib/network.ts";

function bundleIn({ path }: NetworkNamespace): string {
  const namespaces = ["pid", "ipc", "uts", "mount"].map((type) => ({ type }));
  const bundle = lightBundle("light", { linux: { namespaces: [...namespaces, { type: "network", path }] } });
  writeFileSync(join(bundle, "rootfs", "kernel"), solo5File("spt", [{ kind: "net", name: "service" }]));
  return bundle;
}

/** An unprivileged process of the pod takes the lock until the test is over. */
async function holdLock(network: NetworkNamespace): Promise<void> {
  const script = "exec 9< /proc/self/ns/net; flock -x 9; exec sleep 1000";
  network.background("setpriv", "--reuid=1", "--regid=1", "--clear-groups", "sh", "-c", script);
  await until("the lock is held", () => isHeld(network));
}

function isHeld(network: NetworkNamespace): boolean {
  const script = "flock -n -x 9 && echo free || echo held";
  return network.inside("sh", "-c", `exec 9< /proc/self/ns/net; ${script}`).trim() === "held";
}

describe("a process of the pod that holds the lock of its network namespace", () => {
  it("makes start fail after a while with the reason, and the container can be deleted", async () => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = lightRuntime();
    runtime.create("late", bundleIn(network));
    await holdLock(network);
    expect(runtime.verb("start", "late").status).toBe(1);
    expect(runtime.lastError()).toMatch(
      /^Lock net:\[\d+\]: not free within 5 s: another process holds the lock .*start again$/,
    );
    expect(runtime.status("late")).toBe("stopped");
    succeed(runtime.verb("delete", "late"));
    expect(network.describe(before)).toBe(before);
  });

  it.each(["delete", "delete --force"])("does not keep %s from undoing the network", async (verb) => {
    const network = podNetwork();
    const before = network.describe();
    const runtime = lightRuntime();
    const { pid } = runtime.create("ended", bundleIn(network));
    succeed(runtime.verb("start", "ended"));
    expect(network.describe()).not.toBe(before);
    await holdLock(network);
    if (verb === "delete") {
      process.kill(pid, "SIGKILL");
      await until("the monitor has ended", () => runtime.status("ended") === "stopped");
    }
    succeed(runtime.verb(...verb.split(" "), "ended"));
    expect(readFileSync(runtime.log, "utf8")).toContain("holds the lock of the network namespace");
    expect(network.describe(before)).toBe(before);
  });
});
