// @ts-check
// Makes an OCI bundle and an OCI image archive without any container engine. Called by script/image.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

const PROJECT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const PREFIX = "com.urunc.unikernel.";
const KERNEL_PATH = "/unikernel/kernel";
const INITRD_PATH = "/unikernel/initrd";
const CREATED = "1970-01-01T00:00:00Z";

const HELP = `Usage: script/image [options]

Makes OUTPUT/bundle (an OCI bundle: config.json and rootfs/) and OUTPUT/image.tar (an OCI image archive, for example
for "ctr images import"), for the unikernel of examples/hello, which is built when it is missing or older than its
sources (x86-64 only). Without options it makes those of every example. The same input gives the same bytes.

  --example NAME      the example: hello (default) or http
  --output DIR        where to write (default: build/examples/NAME)
  --name NAME         name of the image (default: urunc.local/NAME:latest)
  --arg A             one argument of the container's command; repeat for more (default: those of the example)
  --env K=V           one variable of its environment besides PATH; repeat for more
  --annotation K=V    set an annotation, in urunc.json as well if K begins with ${PREFIX};
                      a K without a dot gets that prefix; an empty V removes the annotation; repeat for more
  --kernel FILE       use this kernel instead of the example's, as ${KERNEL_PATH}
  --initrd FILE       add this file as ${INITRD_PATH}, and its annotation
  --rootfs DIR        begin with a copy of this directory's content instead of an empty root
  --no-kernel         leave the kernel file out, but keep its annotation
  --no-annotations    write no ${PREFIX}* annotations, only urunc.json
  --no-urunc-json     write no urunc.json, only annotations
  --plain             an ordinary container: no kernel, no urunc.json, no annotation but those given
  --help              this text
`;

/** The examples and the arguments of their images. */
const EXAMPLES = new Map([
  ["hello", ["hello", "world"]],
  ["http", ["http"]],
]);

class UserError extends Error {}

/**
 * @typedef {{
 *   example: string, output: string, name: string, args: string[], env: string[], annotations: Map<string, string>,
 *   kernel: string | undefined, initrd: string | undefined, rootfs: string | undefined,
 *   withKernel: boolean, withAnnotations: boolean, withUruncJson: boolean,
 * }} Settings
 */

/**
 * @param {string[]} argv
 * @returns {Settings | "help"}
 */
function readOptions(argv) {
  /** @type {ReturnType<typeof parse>} */
  let values;
  try {
    values = parse(argv);
  } catch (error) {
    throw new UserError(`${/** @type {Error} */ (error).message}\nscript/image --help names the options`);
  }
  if (values.help) return "help";

  const example = values.example ?? "hello";
  const exampleArgs = EXAMPLES.get(example);
  if (exampleArgs === undefined) {
    throw new UserError(`--example ${example}: there are ${[...EXAMPLES.keys()].join(" and ")}`);
  }
  const name = values.name ?? `urunc.local/${example}:latest`;
  if (!/^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)+:[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) {
    throw new UserError(`--name ${name}: expected HOST/NAME:TAG`);
  }
  for (const variable of values.env ?? []) {
    if (!/^[^=]+=/.test(variable)) throw new UserError(`--env ${variable}: expected K=V`);
  }

  const annotations = new Map([
    [`${PREFIX}unikernelType`, "unikraft"],
    [`${PREFIX}hypervisor`, "qemu"],
    [`${PREFIX}binary`, KERNEL_PATH],
  ]);
  if (values.initrd !== undefined) annotations.set(`${PREFIX}initrd`, INITRD_PATH);
  const plain = values.plain === true;
  if (plain) annotations.clear();
  for (const annotation of values.annotation ?? []) {
    const at = annotation.indexOf("=");
    if (at < 1) throw new UserError(`--annotation ${annotation}: expected K=V`);
    const key = annotation.slice(0, at);
    const value = annotation.slice(at + 1);
    const full = key.includes(".") ? key : PREFIX + key;
    if (value === "") annotations.delete(full);
    else annotations.set(full, value);
  }

  return {
    example,
    output: path.resolve(values.output ?? path.join(PROJECT, "build/examples", example)),
    name,
    args: values.arg ?? exampleArgs,
    env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", ...(values.env ?? [])],
    annotations,
    kernel: values.kernel,
    initrd: values.initrd,
    rootfs: values.rootfs,
    withKernel: !plain && values["no-kernel"] !== true,
    withAnnotations: values["no-annotations"] !== true,
    withUruncJson: !plain && values["no-urunc-json"] !== true,
  };
}

/** @param {string[]} argv */
function parse(argv) {
  // What follows --arg is its value even if it begins with a dash, as arguments do; parseArgs wants "--arg=--stay" then.
  const args = [];
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? "";
    const next = argv[i + 1];
    if (word === "--arg" && next !== undefined) {
      args.push(`--arg=${next}`);
      i++;
    } else args.push(word);
  }
  return parseArgs({
    args,
    strict: true,
    allowPositionals: false,
    options: {
      example: { type: "string" },
      output: { type: "string" },
      name: { type: "string" },
      arg: { type: "string", multiple: true },
      env: { type: "string", multiple: true },
      annotation: { type: "string", multiple: true },
      kernel: { type: "string" },
      initrd: { type: "string" },
      rootfs: { type: "string" },
      "no-kernel": { type: "boolean" },
      "no-annotations": { type: "boolean" },
      "no-urunc-json": { type: "boolean" },
      plain: { type: "boolean" },
      help: { type: "boolean" },
    },
  }).values;
}

/**
 * @param {string} file
 * @param {string} option
 */
function requireFile(file, option) {
  if (!fs.statSync(file, { throwIfNoEntry: false })?.isFile()) throw new UserError(`${option} ${file}: no such file`);
}

/**
 * Debian's package for each program that is missing is installed, when that is possible.
 * @param {string[]} items PACKAGE:PROGRAM
 */
function needPrograms(...items) {
  const found = spawnSync(path.join(PROJECT, "script/lib/need"), items, { stdio: ["ignore", 2, 2] });
  if (found.status !== 0) throw new UserError("the packages named above are needed");
}

/**
 * Builds an example and returns its kernel's path; make decides whether there is anything to do.
 * @param {string} example
 */
function buildExample(example) {
  if (process.arch !== "x64") {
    throw new UserError("the examples are for x86-64 only; give another kernel with --kernel, or --no-kernel");
  }
  needPrograms("gcc:gcc", "make:make");
  const out = path.join(PROJECT, "build/examples", example);
  fs.mkdirSync(out, { recursive: true });
  // make takes a blank in a path for the end of a name, so that its paths are relative to the example's directory.
  // Two builds at once (tests in parallel) must not meet: flock is part of every Debian (util-linux).
  const make = ["make", "-s", "-C", path.join(PROJECT, "examples", example), `OUT=../../build/examples/${example}`];
  execFileSync("flock", [path.join(out, "build.lock"), ...make], { stdio: ["ignore", 2, 2] });
  return path.join(out, "kernel");
}

/**
 * @param {Settings} settings
 * @param {string} rootfs
 */
function makeRootfs(settings, rootfs) {
  fs.mkdirSync(rootfs, { mode: 0o755 });
  if (settings.rootfs !== undefined) execFileSync("cp", ["-a", "--", `${settings.rootfs}/.`, rootfs]);
  fs.chmodSync(rootfs, 0o755);
  if (settings.withKernel)
    put(rootfs, KERNEL_PATH, fs.readFileSync(settings.kernel ?? buildExample(settings.example)), 0o755);
  if (settings.initrd !== undefined) put(rootfs, INITRD_PATH, fs.readFileSync(settings.initrd), 0o644);
  if (settings.withUruncJson) {
    /** @type {Record<string, string>} */
    const encoded = {};
    for (const [key, value] of settings.annotations) {
      if (key.startsWith(PREFIX)) encoded[key] = Buffer.from(value).toString("base64");
    }
    put(rootfs, "/urunc.json", json(encoded), 0o644);
  }
}

/**
 * @param {string} rootfs
 * @param {string} name
 * @param {Buffer} content
 * @param {number} mode
 */
function put(rootfs, name, content, mode) {
  const file = path.join(rootfs, name);
  if (!fs.existsSync(path.dirname(file))) fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  fs.rmSync(file, { force: true });
  fs.writeFileSync(file, content);
  fs.chmodSync(file, mode);
}

/** @param {unknown} value */
function json(value) {
  return Buffer.from(`${JSON.stringify(value, null, 2)}\n`);
}

/** @param {Settings} settings */
function annotationsToWrite(settings) {
  const all = [...settings.annotations].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(all.filter(([key]) => settings.withAnnotations || !key.startsWith(PREFIX)));
}

/**
 * config.json as of runtime-spec 1.0.2, with what "runc spec" writes.
 * @param {Settings} settings
 */
function runtimeConfig(settings) {
  const capabilities = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  const nosuid = ["nosuid", "noexec", "nodev"];
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: settings.args,
      env: settings.env,
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: settings.example,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      },
      { destination: "/dev/shm", type: "tmpfs", source: "shm", options: [...nosuid, "mode=1777", "size=65536k"] },
      { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: nosuid },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: [...nosuid, "ro"] },
    ],
    annotations: annotationsToWrite(settings),
    linux: {
      resources: { devices: [{ allow: false, access: "rwm" }] },
      namespaces: [{ type: "pid" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }, { type: "network" }],
    },
  };
}

/**
 * A tar archive of a directory that depends on nothing but names, modes and content.
 * @param {string} directory
 * @param {string[]} names
 */
function tar(directory, names) {
  const args = ["--create", "--format=gnu", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
  return execFileSync("tar", [...args, "--hard-dereference", "--directory", directory, "--", ...names], {
    maxBuffer: 4 * 1024 ** 3,
    env: { ...process.env, LC_ALL: "C", TAR_OPTIONS: "" },
  });
}

/** @param {Buffer} content */
function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

/**
 * Writes an OCI image layout (image-spec 1.0) and packs it. manifest.json is for "docker load" of before OCI layouts.
 * @param {Settings} settings
 * @param {string} rootfs
 * @param {string} layout an empty directory to work in
 * @returns {Buffer}
 */
function makeArchive(settings, rootfs, layout) {
  fs.mkdirSync(path.join(layout, "blobs/sha256"), { recursive: true, mode: 0o755 });
  /**
   * @param {string} mediaType
   * @param {Buffer} content
   */
  const addBlob = (mediaType, content) => {
    const digest = sha256(content);
    write(`blobs/sha256/${digest}`, content);
    return { mediaType, digest: `sha256:${digest}`, size: content.length };
  };
  /**
   * @param {string} name
   * @param {Buffer} content
   */
  const write = (name, content) => {
    const file = path.join(layout, name);
    fs.writeFileSync(file, content);
    fs.chmodSync(file, 0o644);
  };

  const layerTar = tar(rootfs, ["."]);
  const layer = addBlob("application/vnd.oci.image.layer.v1.tar+gzip", gzipSync(layerTar, { level: 9 }));
  // Cmd and no Entrypoint: engines that put arguments behind the entrypoint and those that replace the whole command
  // ("ctr run IMAGE ID ARGS...") then come to the same result.
  const config = addBlob(
    "application/vnd.oci.image.config.v1+json",
    json({
      created: CREATED,
      architecture: "amd64",
      os: "linux",
      config: { Env: settings.env, Cmd: settings.args, WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${sha256(layerTar)}`] },
      history: [{ created: CREATED, created_by: "script/image" }],
    }),
  );
  const annotations = annotationsToWrite(settings);
  const manifestType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = addBlob(
    manifestType,
    json({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer], annotations }),
  );
  const names = { "io.containerd.image.name": settings.name, "org.opencontainers.image.ref.name": settings.name };
  const described = { ...manifest, annotations: names, platform: { architecture: "amd64", os: "linux" } };
  write("index.json", json({ schemaVersion: 2, manifests: [described] }));
  write("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  const blobPath = (/** @type {{digest: string}} */ blob) => `blobs/sha256/${blob.digest.slice("sha256:".length)}`;
  write("manifest.json", json([{ Config: blobPath(config), RepoTags: [settings.name], Layers: [blobPath(layer)] }]));
  return tar(layout, ["blobs", "index.json", "manifest.json", "oci-layout"]);
}

/** @param {Settings} settings */
function make(settings) {
  if (settings.kernel !== undefined) requireFile(settings.kernel, "--kernel");
  if (settings.initrd !== undefined) requireFile(settings.initrd, "--initrd");
  if (settings.rootfs !== undefined && !fs.statSync(settings.rootfs, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UserError(`--rootfs ${settings.rootfs}: no such directory`);
  }
  needPrograms("tar:tar");

  // Everything is made aside and put in place at the end, so that a failure leaves what was there.
  process.umask(0o022);
  fs.mkdirSync(settings.output, { recursive: true });
  const work = fs.mkdtempSync(path.join(settings.output, ".image-"));
  try {
    const bundle = path.join(work, "bundle");
    const layout = path.join(work, "layout");
    fs.mkdirSync(bundle, { mode: 0o755 });
    fs.mkdirSync(layout);
    makeRootfs(settings, path.join(bundle, "rootfs"));
    fs.writeFileSync(path.join(bundle, "config.json"), json(runtimeConfig(settings)));
    fs.writeFileSync(path.join(work, "image.tar"), makeArchive(settings, path.join(bundle, "rootfs"), layout));

    const target = path.join(settings.output, "bundle");
    if (fs.existsSync(target)) fs.renameSync(target, path.join(work, "old"));
    fs.renameSync(bundle, target);
    fs.renameSync(path.join(work, "image.tar"), path.join(settings.output, "image.tar"));
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
  console.log(path.join(settings.output, "bundle"));
  console.log(path.join(settings.output, "image.tar"));
}

try {
  const argv = process.argv.slice(2);
  const runs = argv.length > 0 ? [argv] : [...EXAMPLES.keys()].map((example) => ["--example", example]);
  for (const options of runs) {
    const settings = readOptions(options);
    if (settings === "help") process.stdout.write(HELP);
    else make(settings);
  }
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`image: ${error instanceof UserError ? error.message : error.stack}`);
  process.exitCode = 1;
}
