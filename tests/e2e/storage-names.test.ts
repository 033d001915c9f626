// Names are bytes to Linux: those that are no UTF-8 (here: Latin-1) reach the guest, the records and the clean-up as they are.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { addMount, annotation } from "../lib/bundle.ts";
import { run, succeed } from "../lib/command.ts";
import { scratch } from "../lib/hygiene.ts";
import { lightConfiguration, writeLightBundle } from "../lib/light-bundle.ts";
import { linesOf, linuxBundle, linuxRuntime, ownInitBundle } from "../lib/linux-guest.ts";
import { debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { mountRootfs } from "../lib/loop.ts";
import { HELPERS } from "../lib/paths.ts";
import { urunc } from "../lib/runtime.ts";

let kernel: LinuxKernel;
beforeAll(() => {
  kernel = debianKernel();
});

/** `café` in Latin-1. */
const CAFE = Buffer.from("caf\xe9", "latin1");
/** What the guest's shell makes of it. */
const IN_SHELL = "$(printf 'caf\\351')";

function bytes(directory: string, ...names: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(directory), ...names.flatMap((name) => [Buffer.from("/"), name])]);
}

/** A file, a directory with a file, and a link, each with such a name; the link leads to such a name. */
function putNames(directory: string): void {
  mkdirSync(bytes(directory, CAFE), { recursive: true });
  writeFileSync(bytes(directory, CAFE, CAFE), "below it\n");
  writeFileSync(bytes(directory, Buffer.from([0xff, 0xc3])), "two bytes\n");
  succeed(
    run(scratch(), ["sh", "-c", 'cd "$0" && ln -s "$(printf "caf\\351/caf\\351")" "$(printf "link\\200")"', directory]),
  );
}

const LOOK = (directory: string): string =>
  [
    `cat ${directory}/${IN_SHELL}/${IN_SHELL}`,
    `cat "${directory}/$(printf '\\377\\303')"`,
    `cat "${directory}/$(printf 'link\\200')"`,
  ].join("; ");
const SEEN = ["below it", "two bytes", "below it"];

function bind(bundle: string, source: string): string {
  addMount(bundle, { destination: "/data/names", type: "bind", source, options: ["rbind", "ro"] });
  return bundle;
}

describe("names that are no UTF-8", () => {
  it.each([
    ["packed into an initrd", {}],
    ["shared by virtiofs", { [annotation("mountRootfs")]: "true" }],
  ])("reach a guest in its root and in a bind mount, %s", async (_, annotations) => {
    const script = `${LOOK("/own")}; ${LOOK("/data/names")}`;
    const bundle = linuxBundle(kernel, script, { writable: true, annotations });
    putNames(join(bundle, "rootfs/own"));
    putNames(join(scratch(), "names"));
    const lines = await linesOf(linuxRuntime(kernel), bind(bundle, join(scratch(), "names")));
    expect(lines.filter((line) => SEEN.includes(line))).toEqual([...SEEN, ...SEEN]);
  });

  it("may be those of the source of a bind mount, byte for byte as config.json has them", async () => {
    const bundle = bind(linuxBundle(kernel, LOOK("/data/names"), { writable: true }), join(scratch(), "SOURCE"));
    const path = join(bundle, "config.json");
    writeFileSync(path, readFileSync(path, "latin1").replace("SOURCE", "caf\xe9"), "latin1");
    mkdirSync(bytes(scratch(), CAFE));
    writeFileSync(bytes(scratch(), CAFE, Buffer.from([0xff, 0xc3])), "two bytes\n");
    mkdirSync(bytes(scratch(), CAFE, CAFE));
    writeFileSync(bytes(scratch(), CAFE, CAFE, CAFE), "below it\n");
    const lines = await linesOf(linuxRuntime(kernel), bundle);
    expect(lines.filter((line) => SEEN.includes(line))).toEqual(["below it", "two bytes"]);
  });

  it("are copied into the device of the rootfs, and go with delete", () => {
    const bundle = ownInitBundle(kernel);
    const own = join(bundle, "rootfs/data");
    putNames(own);
    putNames(join(scratch(), "names"));
    // The destination is a name that the image has already.
    const path = join(bundle, "config.json");
    bind(bundle, join(scratch(), "names"));
    writeFileSync(path, readFileSync(path, "latin1").replace("/data/names", "/data/caf\xe9"), "latin1");
    const device = mountRootfs(bundle);
    const look = (): string => succeed(run(scratch(), ["ls", "-lRb", own])).stdout();
    const before = look();
    const runtime = linuxRuntime(kernel);
    runtime.create("copied", bundle);
    // The image's own has one file there, the copy three names.
    const script = 'debugfs -R "cat /data/$(printf "caf\\351")/$(printf "\\377\\303")" "$0"';
    expect(succeed(run(scratch(), ["sh", "-c", script, device])).stdout()).toBe("two bytes\n");
    succeed(runtime.verb("delete", "--force", "copied"));
    expect(look()).toBe(before);
  });

  it("may be in the path of a bundle, through the whole life of a container", () => {
    const bundle = join(scratch(), "bundle");
    mkdirSync(bundle);
    writeLightBundle(bundle);
    renameSync(bundle, bytes(scratch(), CAFE));
    const inBundle = ["sh", "-c", 'cd "$(printf "caf\\351")" && exec "$@"', "sh"];
    const runtime = urunc(lightConfiguration(join(HELPERS, "pause")), inBundle);
    runtime.expectLeftover("named");
    succeed(runtime.verb("create", "named"));
    succeed(runtime.verb("start", "named"));
    // What is no UTF-8 is U+FFFD to readers of JSON, as with runc.
    expect(runtime.state("named")).toMatchObject({ status: "running", bundle: join(scratch(), "caf\ufffd") });
    expect(succeed(runtime.verb("list")).stdout()).toContain("caf");
    succeed(runtime.verb("kill", "named", "KILL"));
  });
});
