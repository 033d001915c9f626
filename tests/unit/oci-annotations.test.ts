import { describe, expect, test } from "vitest";
import { GUEST_KINDS } from "../../src/guests/kinds.ts";
import { annotationsAreComplete, readMetadata } from "../../src/oci/annotations.ts";
import { decodeBase64Text } from "../../src/oci/base64.ts";

const PREFIX = "com.urunc.unikernel.";
const of = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value]));
const encoded = (values: Record<string, string>) =>
  Object.fromEntries(Object.entries(of(values)).map(([key, value]) => [key, Buffer.from(value).toString("base64")]));

const LINUX = { unikernelType: "linux", hypervisor: "qemu", binary: "/kernel" };

function metadataOf(values: Record<string, string>) {
  const outcome = readMetadata(of(values), undefined);
  if (outcome.kind !== "unikernel") throw new Error(JSON.stringify(outcome));
  return outcome;
}

function problemsOf(values: Record<string, string>): readonly string[] {
  const outcome = readMetadata(of(values), undefined);
  return outcome.kind === "invalid" ? outcome.problems.map((problem) => problem.message) : [];
}

describe("annotations of the spec", () => {
  test("are complete with type, hypervisor and binary that are not empty", () => {
    expect(annotationsAreComplete(of(LINUX))).toBe(true);
    expect(annotationsAreComplete(of({ ...LINUX, binary: "" }))).toBe(false);
    expect(annotationsAreComplete({})).toBe(false);
  });

  test("that are complete win over urunc.json, which is not even looked at", () => {
    expect(readMetadata(of(LINUX), "{").kind).toBe("unikernel");
  });

  test("that are partial lose to urunc.json as a whole, with a warning", () => {
    const outcome = readMetadata(of({ unikernelType: "linux", cmdline: "mine" }), JSON.stringify(encoded(LINUX)));
    expect(outcome).toMatchObject({ kind: "unikernel", metadata: { source: "urunc.json", cmdline: "" } });
    expect(outcome).toHaveProperty("warnings.0", expect.stringContaining("cmdline ignored"));
  });

  test("that are partial make no unikernel without urunc.json", () => {
    expect(readMetadata(of({ unikernelType: "linux", binary: "/kernel" }), undefined)).toMatchObject({
      kind: "not-unikernel",
    });
  });

  test("are taken from base64 when only that makes sense of the closed values", () => {
    const outcome = readMetadata(encoded({ ...LINUX, cmdline: "a b" }), undefined);
    expect(outcome).toMatchObject({
      kind: "unikernel",
      metadata: { guest: "linux", binary: "/kernel", cmdline: "a b" },
    });
  });

  test("are never half base64 and half plain", () => {
    const outcome = readMetadata({ ...encoded(LINUX), [`${PREFIX}cmdline`]: "plain words" }, undefined);
    expect(outcome.kind).toBe("invalid");
  });

  test("with a plain command line that happens to be base64 keep it", () => {
    expect(metadataOf({ ...LINUX, cmdline: "cXVpdA==" }).metadata.cmdline).toBe("cXVpdA==");
  });

  test.each(["1", "t", "T", "TRUE", "true", "True"])("with mountRootfs %s ask for the rootfs", (mountRootfs) => {
    expect(metadataOf({ ...LINUX, mountRootfs }).metadata.mountRootfs).toBe(true);
  });

  test.each(["0", "f", "F", "FALSE", "false", "False"])("with mountRootfs %s do not", (mountRootfs) => {
    expect(metadataOf({ ...LINUX, mountRootfs }).metadata.mountRootfs).toBe(false);
  });

  test.each(["yes", "TrUe", " true", "2"])("with mountRootfs %j are refused", (mountRootfs) => {
    expect(problemsOf({ ...LINUX, mountRootfs })).toHaveLength(1);
  });

  test.each([
    "../kernel",
    "..",
    "-kernel",
    "/",
    ".",
    "./kernel",
    "/a//b",
    "/a/../b",
    "/a/",
    "/a b",
    "/a,b",
    "/ä",
    "/a\nb",
    "a".repeat(4097),
  ])("with the path %j are refused", (binary) => {
    expect(problemsOf({ ...LINUX, binary })).toHaveLength(1);
  });

  test.each(["/kernel", "kernel", "boot/vmlinuz-6.1_x", "/.hidden", "/a..b"])(
    "with the path %j are taken",
    (binary) => {
      expect(metadataOf({ ...LINUX, binary }).metadata.binary).toBe(binary);
    },
  );

  test.each(["hermitcore", "Linux", "toString", "__proto__"])(
    "with the guest %s name the guests there are",
    (unikernelType) => {
      expect(problemsOf({ ...LINUX, unikernelType })).toEqual([
        `config.json: annotation ${PREFIX}unikernelType: must be one of ${GUEST_KINDS.join(", ")}, found "${unikernelType}"`,
      ]);
    },
  );

  test("with a monitor the guest does not run on name those it runs on", () => {
    expect(problemsOf({ ...LINUX, hypervisor: "spt" })).toEqual([
      `config.json: annotation ${PREFIX}hypervisor: linux does not run on spt: it runs on qemu, firecracker, cloud-hypervisor`,
    ]);
  });

  test("with a block image need a mount point that is absolute", () => {
    expect(problemsOf({ ...LINUX, block: "/d" })[0]).toContain("set without a mountpoint");
    expect(problemsOf({ ...LINUX, block: "/d", blkMntPoint: "data" })[0]).toContain("must be an absolute path");
    expect(metadataOf({ ...LINUX, block: "/d", blkMntPoint: "/" }).metadata.block).toEqual({
      path: "/d",
      mountPoint: "/",
    });
  });

  test.each([
    ["qemu", "vsock://2:1", { port: 1 }],
    ["qemu", "vsock://2:65535", { port: 65535 }],
    ["firecracker", "unix:///run/a_b-C/vaccel.sock_22", { port: 22, socket: "/run/a_b-C/vaccel.sock_22" }],
    ["cloud-hypervisor", "unix:///a/vaccel.sock_65535", { port: 65535, socket: "/a/vaccel.sock_65535" }],
  ])("ask for vAccel on %s at %s", (hypervisor, RPCAddress, vaccel) => {
    const { metadata } = metadataOf({ ...LINUX, hypervisor, vAccel: "vsock", RPCAddress });
    expect(metadata.vaccel).toEqual(vaccel);
    expect(metadata.annotations[`${PREFIX}RPCAddress`]).toBe(RPCAddress);
  });

  test.each([
    ["qemu", "vsock://2:0"],
    ["qemu", "vsock://2:01"],
    ["qemu", "vsock://2:65536"],
    ["qemu", "vsock://3:1"],
    ["qemu", "vsock://2:1,x=y"],
    ["qemu", "vsock://2:1\n"],
    ["qemu", "unix:///run/vaccel.sock_1"],
    ["firecracker", "vsock://2:1"],
    ["firecracker", "unix://run/vaccel.sock_1"],
    ["firecracker", "unix:///vaccel.sock_1"],
    ["firecracker", "unix:///run/../vaccel.sock_1"],
    ["firecracker", "unix:///run//vaccel.sock_1"],
    ["firecracker", "unix:///run/a.b/vaccel.sock_1"],
    ["firecracker", "unix:///run/vaccel.sock"],
    ["firecracker", "unix:///run/vaccel.sock_70000"],
    ["firecracker", "unix:///run/containerd.sock"],
  ])("for vAccel on %s refuse the address %j", (hypervisor, RPCAddress) => {
    const [problem, ...others] = problemsOf({ ...LINUX, hypervisor, vAccel: "vsock", RPCAddress });
    expect(others).toEqual([]);
    expect(problem).toContain(`annotation ${PREFIX}RPCAddress: must be `);
  });

  test("for vAccel need both, and no other transport than vsock", () => {
    expect(problemsOf({ ...LINUX, vAccel: "virtio", RPCAddress: "vsock://2:1" })[0]).toContain("vAccel: must be vsock");
    expect(problemsOf({ ...LINUX, vAccel: "vsock" })[0]).toContain("RPCAddress: must be vsock://2:PORT");
    expect(problemsOf({ ...LINUX, RPCAddress: "vsock://2:1" })).toEqual([
      `config.json: annotation ${PREFIX}RPCAddress: must come with vAccel`,
    ]);
  });

  test("with a kernel of the host need neither type nor monitor nor binary", () => {
    const { metadata } = metadataOf({
      bootKernel: "/boot/vmlinuz",
      bootInitrd: "default",
      block: "/d",
      blkMntPoint: "/",
    });
    expect(metadata).toMatchObject({ guest: "linux", monitor: "qemu", binary: "", source: "annotations" });
    expect(metadata.boot).toEqual({ kernel: "/boot/vmlinuz", initrd: "default" });
    expect(metadata.annotations).toHaveProperty([`${PREFIX}bootKernel`], "/boot/vmlinuz");
  });

  test.each(["vmlinuz", "/boot/../etc/shadow", "/boot//vmlinuz", "/boot/a b", "/boot/a,b", "-kernel"])(
    "with the kernel %s of the host are refused",
    (bootKernel) => {
      expect(problemsOf({ bootKernel })).toHaveLength(1);
    },
  );

  test("with a kernel of the host and one of the image, or another guest, are refused", () => {
    expect(problemsOf({ ...LINUX, bootKernel: "/boot/vmlinuz" })[0]).toContain("binary: must not be set together");
    expect(problemsOf({ bootKernel: "/boot/k", initrd: "/i" })[0]).toContain("initrd: must not be set together");
    expect(problemsOf({ bootKernel: "/boot/k", unikernelType: "rumprun", hypervisor: "hvt" })[0]).toContain(
      "must be linux",
    );
    expect(problemsOf({ ...LINUX, bootInitrd: "/boot/i" })[0]).toContain("must come with bootKernel");
  });

  test("with an initrd of the host alone make no unikernel", () => {
    expect(readMetadata(of({ bootInitrd: "/boot/initrd" }), undefined)).toMatchObject({ kind: "not-unikernel" });
  });

  test("with keys nobody knows are taken with a warning, and without them in the state", () => {
    const outcome = metadataOf({ ...LINUX, colour: "red" });
    expect(outcome.warnings).toEqual([
      `annotation ${PREFIX}colour ignored: it is not known: did you mean ${PREFIX}block?`,
    ]);
    expect(outcome.metadata.annotations).toEqual(of(LINUX));
  });

  test("below com.urunc.internal are not looked at", () => {
    const outcome = readMetadata({ ...of(LINUX), "com.urunc.internal.rootfs.params": "{" }, undefined);
    expect(outcome).toMatchObject({ kind: "unikernel", warnings: [] });
  });
});

describe("urunc.json", () => {
  const read = (value: unknown) => readMetadata({}, typeof value === "string" ? value : JSON.stringify(value));

  test("with the three keys in base64 makes a unikernel", () => {
    expect(read(encoded(LINUX))).toMatchObject({
      kind: "unikernel",
      metadata: { source: "urunc.json", guest: "linux" },
    });
  });

  test("without them makes none", () => {
    expect(read({})).toMatchObject({ kind: "not-unikernel" });
    expect(read(encoded({ unikernelType: "linux" }))).toMatchObject({ kind: "not-unikernel" });
  });

  test.each(["", "{", "[]", "1", "null", '"x"'])("of the text %j is invalid", (text) => {
    expect(read(text).kind).toBe("invalid");
  });

  test("with a value that is no text or no base64 is invalid", () => {
    expect(read({ ...encoded(LINUX), [`${PREFIX}cmdline`]: 1 }).kind).toBe("invalid");
    expect(read({ ...encoded(LINUX), [`${PREFIX}cmdline`]: "a b" }).kind).toBe("invalid");
    expect(read({ ...encoded(LINUX), [`${PREFIX}cmdline`]: Buffer.from("a\0b").toString("base64") }).kind).toBe(
      "invalid",
    );
  });

  test("cannot name resources of the host", () => {
    const outcome = read(encoded({ ...LINUX, bootKernel: "/boot/vmlinuz", vAccel: "vsock" }));
    expect(outcome).toMatchObject({ kind: "unikernel" });
    expect(outcome).not.toHaveProperty("metadata.boot");
    expect(outcome).not.toHaveProperty("metadata.vaccel");
    expect(read(encoded({ bootKernel: "/boot/vmlinuz" }))).toMatchObject({ kind: "not-unikernel" });
    expect(outcome).toHaveProperty(
      "warnings.1",
      `${PREFIX}vAccel ignored: an image must not name resources of the host`,
    );
  });
});

describe("base64", () => {
  test.each([
    ["", ""],
    ["YQ==", "a"],
    ["YWI=", "ab"],
    ["YWJj", "abc"],
    ["8J+YgA==", "😀"],
    ["77u/", "\ufeff"],
  ])("%j is %j", (text, decoded) => {
    expect(decodeBase64Text(text)).toBe(decoded);
  });

  test.each([
    "YQ",
    "YQ=",
    "YQ===",
    "Y===",
    "====",
    "YR==",
    "YWJ=x",
    "YW Jj",
    "YWJj\n",
    "YW-_",
    "wIA=",
    "7aCA",
    "9JCAgA==",
    "gA==",
    "4oI=",
  ])("%j is refused", (text) => {
    expect(decodeBase64Text(text)).toBeUndefined();
  });
});

describe("a container that is not for us to boot", () => {
  const complete = {
    "com.urunc.unikernel.unikernelType": "unikraft",
    "com.urunc.unikernel.hypervisor": "qemu",
    "com.urunc.unikernel.binary": "/kernel",
  };

  test.each([
    { "io.kubernetes.cri.container-type": "sandbox" },
    { "io.kubernetes.cri-o.ContainerType": "sandbox" },
    { "io.kubernetes.docker.type": "podsandbox" },
  ])("is the one that holds a pod together, whatever the pod's annotations say: %j", (sandbox) => {
    expect(readMetadata({ ...complete, ...sandbox }, undefined)).toEqual({ kind: "not-unikernel", warnings: [] });
    expect(readMetadata({ ...sandbox, "com.urunc.unikernel.bootKernel": "/usr/share/urunc/k" }, "{")).toEqual({
      kind: "not-unikernel",
      warnings: [],
    });
    expect(readMetadata({ ...complete, "io.kubernetes.cri.container-type": "container" }, undefined).kind).toBe(
      "unikernel",
    );
  });

  test.each([
    { "io.kubernetes.cri-o.ContainerType": "container" },
    { "io.kubernetes.cri.container-type": "container" },
    { "io.kubernetes.docker.type": "container" },
  ])("is not one that its engine calls an ordinary one, whatever another engine's key says: %j", (own) => {
    const all = { "io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri-o.ContainerType": "sandbox" };
    expect(readMetadata({ ...complete, ...all, ...own }, undefined).kind).toBe("unikernel");
  });

  test("does not get a kernel of the host by an annotation that a builder of images encoded", () => {
    const encoded = Object.fromEntries(
      Object.entries({ ...complete, "com.urunc.unikernel.bootKernel": "/usr/share/urunc/k" }).map(([key, value]) => [
        key,
        Buffer.from(value).toString("base64"),
      ]),
    );
    const outcome = readMetadata(encoded, undefined);
    expect(outcome.kind).toBe("unikernel");
    expect("metadata" in outcome && outcome.metadata.boot).toBeUndefined();
    expect("metadata" in outcome && outcome.metadata.binary).toBe("/kernel");
  });
});
