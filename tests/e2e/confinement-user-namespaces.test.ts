// User namespaces of a bundle, made and joined, by the host's root.
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type BundleOptions, helloBundle, NAMESPACES } from "../lib/bundle.ts";
import { succeed, until } from "../lib/command.ts";
import { names, namespaceOf } from "../lib/host.ts";
import { leftovers, scratch } from "../lib/hygiene.ts";
import { type Created, type Runtime, urunc } from "../lib/runtime.ts";

const MAPPINGS = [{ containerID: 0, hostID: 700_000, size: 65_536 }];
const WITH_USER = [...NAMESPACES, { type: "user" }];

/** The container's root has to reach its image, and is nobody on the host. */
function bundleWith(options: BundleOptions = {}): string {
  chmodSync(scratch(), 0o711);
  return helloBundle({ args: ["hello", "--stay"], namespaces: WITH_USER, mappings: MAPPINGS, ...options });
}

async function ticking(runtime: Runtime, id: string, bundle: string): Promise<Created> {
  const created = runtime.create(id, bundle);
  succeed(runtime.verb("start", id));
  await until("the guest ticks", () => created.outcome.stdout().includes("tick 1"));
  return created;
}

function status(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, "utf8");
}

describe("a user namespace of the bundle", () => {
  it("is made, and the monitor is the host's user that its own is mapped to", async () => {
    const user = { uid: 5, gid: 6, additionalGids: [7] };
    const { pid } = await ticking(urunc(), "new", bundleWith({ user, oomScoreAdj: 321 }));
    expect(namespaceOf(pid, "user")).not.toBe(namespaceOf("self", "user"));
    expect(status(pid)).toMatch(/^Uid:\t700005\t700005\t700005\t700005$/m);
    expect(status(pid)).toMatch(/^Gid:\t700006\t700006\t700006\t700006$/m);
    expect(status(pid)).toMatch(/^Groups:\t700007 ?$/m);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(status(pid)).toMatch(new RegExp(`^${set}:\\s+0{16}$`, "m"));
    }
    expect(readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/)).toEqual(["0", "700000", "65536"]);
    expect(readFileSync(`/proc/${pid}/oom_score_adj`, "utf8")).toBe("321\n");
  });

  it("does not keep the monitor from its devices, which are made for it", async () => {
    const { pid } = await ticking(urunc(), "devices", bundleWith({ user: { uid: 5, gid: 5 } }));
    const directory = `/proc/${pid}/root/dev`;
    expect(readdirSync(directory).sort()).toEqual(["null", "urandom"]);
    expect(statSync(join(directory, "null")).rdev).toBe(statSync("/dev/null").rdev);
    expect(statSync(join(directory, "urandom")).mode & 0o006).toBe(0o006);
    const mount = readFileSync(`/proc/${pid}/mountinfo`, "utf8")
      .split("\n")
      .find((line) => line.split(" ")[4] === "/dev");
    expect(mount?.split(" ")[5]).toMatch(/^ro,/);
  });

  it("is joined by its path, as the containers of a pod do, with the namespaces that belong to it", async () => {
    const runtime = urunc();
    const first = runtime.create("first", bundleWith());
    const shared = ["user", "ipc", "uts", "network"];
    const file = (type: string): string => (type === "network" ? "net" : type);
    const namespaces = WITH_USER.map(({ type }) =>
      shared.includes(type) ? { type, path: `/proc/${first.pid}/ns/${file(type)}` } : { type },
    );
    const bundle = bundleWith({ name: "second", namespaces, mappings: [], user: { uid: 9, gid: 9 } });
    const { pid } = await ticking(runtime, "second", bundle);
    for (const type of shared) {
      expect(namespaceOf(pid, file(type)), type).toBe(namespaceOf(first.pid, file(type)));
    }
    expect(namespaceOf(pid, "pid")).not.toBe(namespaceOf(first.pid, "pid"));
    expect(status(pid)).toMatch(/^Uid:\t700009\t/m);
    expect(status(pid)).toMatch(/^NSpid:\t\d+\t1$/m);
  });

  it("says that its root cannot reach the image", async () => {
    const runtime = urunc();
    const bundle = bundleWith();
    chmodSync(scratch(), 0o700);
    runtime.create("far", bundle);
    expect(runtime.verb("start", "far").status).toBe(1);
    expect(runtime.lastError()).toContain(`Open rootfs ${bundle}/rootfs`);
    await until("the init has ended", () => runtime.status("far") === "stopped");
  });

  it.each([
    ["no mappings", { mappings: [] }, "linux.uidMappings: the new user namespace needs a mapping for containerID 0"],
    ["a user that is not mapped", { user: { uid: 70_000, gid: 0 } }, "process.user.uid: 70000 is not mapped"],
    ["mappings of nothing", { namespaces: NAMESPACES }, "there is no user namespace in linux.namespaces"],
    ["ids that overlap", { mappings: [...MAPPINGS, ...MAPPINGS] }, "uid_map"],
  ] as const)("with %s is refused, and nothing is made", (_, options, message) => {
    const runtime = urunc();
    expect(runtime.verb("create", "--bundle", bundleWith(options), "refused").status).toBe(1);
    expect(runtime.lastError()).toContain(message);
    expect(names(runtime.root)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});
