import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../script/image", import.meta.url));
const PREFIX = "com.urunc.unikernel.";

interface Descriptor {
  mediaType: string;
  digest: string;
  size: number;
  annotations?: Record<string, string>;
}

interface Manifest {
  config: Descriptor;
  layers: Descriptor[];
  annotations: Record<string, string>;
}

let work = "";
let kernel = "";

beforeAll(() => {
  work = fs.mkdtempSync(path.join(os.tmpdir(), "image-test-"));
  kernel = path.join(work, "some-kernel");
  fs.writeFileSync(kernel, "not really a kernel");
});

afterAll(() => fs.rmSync(work, { recursive: true, force: true }));

interface ImageConfig {
  os: string;
  architecture: string;
  config: { Env: string[]; Cmd: string[]; Entrypoint?: string[] };
  rootfs: { type: string; diff_ids: string[] };
}

interface BundleConfig {
  ociVersion: string;
  process: { args: string[]; env: string[] };
  root: { path: string };
  annotations: Record<string, string>;
  linux: { namespaces: { type: string; path?: string }[] };
}

function run(...args: string[]) {
  return spawnSync(SCRIPT, args, { encoding: "utf8" });
}

/** Runs script/image with a kernel that needs no compiler, and returns the folder it wrote. */
function make(name: string, ...args: string[]): string {
  const output = path.join(work, name);
  const result = run("--kernel", kernel, "--output", output, ...args);
  expect(result.stderr).toBe("");
  expect(result.status).toBe(0);
  return output;
}

function readJson<T>(...parts: string[]): T {
  return JSON.parse(fs.readFileSync(path.join(...parts), "utf8")) as T;
}

function bundleConfig(output: string) {
  return readJson<BundleConfig>(output, "bundle/config.json");
}

function decodedUruncJson(output: string): Record<string, string> {
  const encoded = readJson<Record<string, string>>(output, "bundle/rootfs/urunc.json");
  return Object.fromEntries(Object.entries(encoded).map(([k, v]) => [k, Buffer.from(v, "base64").toString()]));
}

function unpack(output: string) {
  const layout = path.join(output, "layout");
  fs.mkdirSync(layout);
  execFileSync("tar", ["-xf", path.join(output, "image.tar"), "-C", layout]);
  const blob = (d: Descriptor) => fs.readFileSync(path.join(layout, "blobs", d.digest.replace(":", "/")));
  const index = readJson<{ manifests: Descriptor[] }>(layout, "index.json");
  const described = index.manifests[0];
  if (!described) throw new Error("index.json names no manifest");
  const manifest = JSON.parse(blob(described).toString()) as Manifest;
  const config = JSON.parse(blob(manifest.config).toString()) as ImageConfig;
  return { layout, blob, index, described, manifest, config };
}

function sha256(content: Buffer): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/** The names in a tar archive. */
function namesIn(archive: Buffer): string[] {
  return execFileSync("tar", ["-t"], { input: archive, encoding: "utf8" }).trim().split("\n");
}

const DEFAULTS = {
  [`${PREFIX}unikernelType`]: "unikraft",
  [`${PREFIX}hypervisor`]: "qemu",
  [`${PREFIX}binary`]: "/unikernel/kernel",
};

describe("the bundle", () => {
  test("has the kernel, urunc.json with base64 values and a config.json for it", () => {
    const output = make("bundle");
    expect(fs.readFileSync(path.join(output, "bundle/rootfs/unikernel/kernel"), "utf8")).toBe("not really a kernel");
    expect(decodedUruncJson(output)).toEqual(DEFAULTS);
    expect(readJson<Record<string, string>>(output, "bundle/rootfs/urunc.json")[`${PREFIX}unikernelType`]).toBe(
      "dW5pa3JhZnQ=",
    );
    const config = bundleConfig(output);
    expect(config.ociVersion).toMatch(/^1\.0\.[2-9]/);
    expect(config.process.args).toEqual(["hello", "world"]);
    expect(config.root.path).toBe("rootfs");
    expect(config.annotations).toEqual(DEFAULTS);
    expect(config.linux.namespaces).toEqual(
      ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type })), // each one new: no path
    );
  });

  test("replaces one that was there, and leaves nothing else behind", () => {
    const output = make("replaced", "--arg", "one");
    fs.writeFileSync(path.join(output, "bundle/rootfs/stale"), "");
    make("replaced", "--arg", "two");
    expect(fs.readdirSync(output).sort()).toEqual(["bundle", "image.tar"]);
    expect(fs.existsSync(path.join(output, "bundle/rootfs/stale"))).toBe(false);
    expect(bundleConfig(output).process.args).toEqual(["two"]);
  });
});

describe("the archive", () => {
  test("is an OCI image layout whose digests and sizes are right", () => {
    const { layout, blob, described, manifest, config } = unpack(make("archive"));
    expect(readJson(layout, "oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
    const layer = manifest.layers[0];
    if (!layer) throw new Error("no layer");
    for (const descriptor of [described, manifest.config, layer]) {
      expect(sha256(blob(descriptor))).toBe(descriptor.digest);
      expect(blob(descriptor).length).toBe(descriptor.size);
    }
    expect(fs.readdirSync(path.join(layout, "blobs/sha256"))).toHaveLength(3);

    const layerTar = gunzipSync(blob(layer));
    expect(config.rootfs).toEqual({ type: "layers", diff_ids: [sha256(layerTar)] });
    expect(namesIn(layerTar)).toEqual(["./", "./unikernel/", "./unikernel/kernel", "./urunc.json"]);
    expect(config.config.Cmd).toEqual(["hello", "world"]);
    expect(config.config.Entrypoint).toBeUndefined();
    expect([config.os, config.architecture]).toEqual(["linux", "amd64"]);
    expect(manifest.annotations).toEqual(DEFAULTS);
  });

  test("is named for containerd, and for docker load", () => {
    const { layout, described, manifest } = unpack(make("named", "--name", "example.test:5000/a/b:v1"));
    expect(described.annotations).toEqual({
      "io.containerd.image.name": "example.test:5000/a/b:v1",
      "org.opencontainers.image.ref.name": "example.test:5000/a/b:v1",
    });
    const file = (d: Descriptor | undefined) => `blobs/${d?.digest.replace(":", "/")}`;
    expect(readJson(layout, "manifest.json")).toEqual([
      { Config: file(manifest.config), RepoTags: ["example.test:5000/a/b:v1"], Layers: [file(manifest.layers[0])] },
    ]);
  });

  test("is the same byte for byte whenever and wherever it is made", () => {
    const rootfs = path.join(work, "rootfs-for-both");
    fs.mkdirSync(path.join(rootfs, "etc"), { recursive: true });
    for (const name of ["b", "a", "etc/c"]) fs.writeFileSync(path.join(rootfs, name), name);
    const first = fs.readFileSync(path.join(make("first", "--rootfs", rootfs), "image.tar"));
    fs.utimesSync(path.join(rootfs, "a"), 1, 2);
    fs.utimesSync(kernel, 3, 4);
    const second = fs.readFileSync(path.join(make("second", "--rootfs", rootfs), "image.tar"));
    expect(sha256(second)).toBe(sha256(first));
  });
});

describe("options", () => {
  test("--arg and --env go to both configurations, dashes and blanks and all", () => {
    const args = ["--stay", "-c", "two words", ""];
    const output = make("args", "--env", "A=1", "--env", "B=x y=z", ...args.flatMap((a) => ["--arg", a]));
    const bundle = bundleConfig(output);
    const { config } = unpack(output);
    expect(bundle.process.args).toEqual(args);
    expect(config.config.Cmd).toEqual(args);
    expect(bundle.process.env.slice(1)).toEqual(["A=1", "B=x y=z"]);
    expect(config.config.Env).toEqual(bundle.process.env);
  });

  test("--annotation sets, replaces and removes; only the unikernel's go to urunc.json", () => {
    const options = ["hypervisor=firecracker", "cmdline=a=b", "binary=", "org.example.note=ü"];
    const output = make("annotations", ...options.flatMap((o) => ["--annotation", o]));
    const expected = {
      [`${PREFIX}unikernelType`]: "unikraft",
      [`${PREFIX}hypervisor`]: "firecracker",
      [`${PREFIX}cmdline`]: "a=b",
    };
    expect(decodedUruncJson(output)).toEqual(expected);
    expect(unpack(output).manifest.annotations).toEqual({ ...expected, "org.example.note": "ü" });
  });

  test("--no-annotations leaves urunc.json alone to speak", () => {
    const output = make("only-json", "--no-annotations");
    expect(decodedUruncJson(output)).toEqual(DEFAULTS);
    expect(bundleConfig(output).annotations).toEqual({});
    expect(unpack(output).manifest.annotations).toEqual({});
  });

  test("--no-urunc-json and --no-kernel leave those files out", () => {
    const output = make("without", "--no-urunc-json", "--no-kernel");
    expect(fs.readdirSync(path.join(output, "bundle/rootfs"))).toEqual([]);
    expect(bundleConfig(output).annotations).toEqual(DEFAULTS);
  });

  test("--initrd adds the file and its annotation", () => {
    const output = make("initrd", "--initrd", kernel);
    expect(fs.existsSync(path.join(output, "bundle/rootfs/unikernel/initrd"))).toBe(true);
    expect(decodedUruncJson(output)).toEqual({ ...DEFAULTS, [`${PREFIX}initrd`]: "/unikernel/initrd" });
  });

  test("--plain --rootfs makes an ordinary container; links and modes stay, the directory given is not touched", () => {
    const rootfs = path.join(work, "plain-rootfs");
    fs.mkdirSync(path.join(rootfs, "bin"), { recursive: true });
    fs.writeFileSync(path.join(rootfs, "bin/tool"), "x", { mode: 0o755 });
    fs.symlinkSync("tool", path.join(rootfs, "bin/sh"));
    const output = make("plain", "--plain", "--rootfs", rootfs, "--arg", "/bin/sh");
    const made = path.join(output, "bundle/rootfs");
    expect(fs.readdirSync(made)).toEqual(["bin"]);
    expect(fs.readlinkSync(path.join(made, "bin/sh"))).toBe("tool");
    expect(fs.statSync(path.join(made, "bin/tool")).mode & 0o777).toBe(0o755);
    expect(unpack(output).manifest.annotations).toEqual({});
    expect(fs.readdirSync(rootfs)).toEqual(["bin"]);
  });

  test("--help explains every option", () => {
    const result = run("--help");
    expect(result.status).toBe(0);
    for (const option of ["output", "name", "arg", "env", "annotation", "kernel", "initrd", "rootfs", "plain"]) {
      expect(result.stdout).toContain(`--${option} `);
    }
  });

  test.each([
    [["--nmae", "x"], "--nmae"],
    [["stray"], "stray"],
    [["--output"], "--output"],
    [["--arg"], "--arg"],
    [["--name", "No Such Name"], "expected HOST/NAME:TAG"],
    [["--name", "urunc.local/hello"], "expected HOST/NAME:TAG"],
    [["--annotation", "novalue"], "expected K=V"],
    [["--annotation", "=value"], "expected K=V"],
    [["--env", "novalue"], "expected K=V"],
    [["--kernel", "/no/such/file"], "/no/such/file: no such file"],
    [["--initrd", "/tmp"], "/tmp: no such file"],
    [["--rootfs", "/no/such/dir"], "/no/such/dir: no such directory"],
  ])("%j is an error that says why, and nothing is written", (options, text) => {
    const output = path.join(work, "never");
    const result = run("--output", output, "--kernel", kernel, ...options);
    expect(result.status).toBe(1);
    expect(result.stderr).toContain(text);
    expect(result.stderr).not.toContain("    at "); // no stack
    expect(fs.existsSync(output)).toBe(false);
  });
});

function has(...programs: string[]): boolean {
  return programs.every((p) => spawnSync("sh", ["-c", `command -v ${p}`]).status === 0);
}

describe.skipIf(process.arch !== "x64" || !has("gcc", "make", "qemu-system-x86_64"))("the hello kernel", () => {
  let hello = "";

  beforeAll(() => {
    const output = path.join(work, "hello");
    expect(run("--output", output).status).toBe(0);
    hello = path.join(output, "bundle/rootfs/unikernel/kernel");
  }, 60_000);

  function boot(machine: string, cmdline: string, input: string, ...more: string[]) {
    const fixed = ["-accel", "tcg", "-m", "8M", "-nodefaults", "-display", "none", "-serial", "stdio"];
    const args = [...fixed, "-M", machine, "-kernel", hello, "-append", cmdline, ...more];
    const result = spawnSync("qemu-system-x86_64", args, { encoding: "utf8", input, timeout: 20_000 });
    return { status: result.status, lines: result.stdout.trim().split("\n") };
  }

  test.each(["pc", "q35"])("says what it was given and powers off on %s", (machine) => {
    const cmdline = `Unikraft  env.vars=[ A=1 "B=two words" C='"' ] vfs.fstab=[ "a:/:b:::" ] -- x "y z" -- ""`;
    const { status, lines } = boot(machine, cmdline, "");
    expect(status).toBe(0);
    expect(lines.map((l) => l.replace(/^(memory-usable|uptime)=\d+/, "$1=N"))).toEqual([
      "hello from a unikernel",
      `cmdline=${cmdline}`,
      "argc=4",
      "argv[0]=x",
      "argv[1]=y z",
      "argv[2]=--",
      "argv[3]=",
      "envc=3",
      "env[0]=A=1",
      "env[1]=B=two words",
      'env[2]=C="',
      "memory=8388608 bytes (8 MiB)",
      "memory-usable=N bytes",
      "uptime=N ms",
      "powering off",
    ]);
  });

  test("takes all words as arguments when there is no --", () => {
    expect(boot("q35", "Unikraft a=b c", "").lines.slice(2, 6)).toEqual([
      "argc=2",
      "argv[0]=a=b",
      "argv[1]=c",
      "envc=0",
    ]);
  });

  test("sees an initrd and its checksum", () => {
    const initrd = path.join(work, "initrd.bin");
    fs.writeFileSync(initrd, "123456789"); // whose CRC-32 is the check value of every CRC catalogue
    const { lines } = boot("q35", "x", "", "-initrd", initrd);
    expect(lines).toContain("initrd=9");
    expect(lines).toContain("initrd-crc32=cbf43926");
  });

  test("gives lines back with --echo, from the first byte on", () => {
    const { status, lines } = boot("q35", "-- --echo", "one\ntwo words\r\n\nthrew\x7f\x7fee\nquit\nunread\n");
    expect(lines.filter((l) => l.startsWith("echo="))).toEqual(["echo=one", "echo=two words", "echo=", "echo=three"]);
    expect(status).toBe(0);
  });

  test("ends QEMU with a code of its own choice through isa-debug-exit", () => {
    const device = ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
    expect(boot("q35", "-- --exit-code 21", "", ...device).status).toBe((21 << 1) | 1);
  });
});
