import { describe, expect, test } from "vitest";
import { debugExitStatus } from "../../src/guests/debug-exit.ts";
import type { GuestInput } from "../../src/guests/guest.ts";
import { type GuestKind, guestKind } from "../../src/guests/kinds.ts";
import { GUESTS } from "../../src/guests/registry.ts";
import { utf8Size } from "../../src/text-size.ts";
import { isBefore, parseVersion } from "../../src/version-number.ts";

const INPUT: GuestInput = {
  monitor: "qemu",
  arch: "x86_64",
  args: ["app"],
  env: [],
  version: "",
  initrd: false,
  networks: [],
};
const DISK = { path: "/guest/block", mountPoint: "/data", readonly: false };

function needsOf(kind: GuestKind, input: Partial<GuestInput>) {
  const answer = GUESTS[kind].needs({ ...INPUT, ...input });
  if ("problems" in answer) throw new Error(answer.problems.map((problem) => problem.message).join("\n"));
  return answer.needs;
}

function problemsOf(kind: GuestKind, input: Partial<GuestInput>): readonly string[] {
  const answer = GUESTS[kind].needs({ ...INPUT, ...input });
  return "problems" in answer ? answer.problems.map((problem) => problem.message) : [];
}

const lineOf = (kind: GuestKind, input: Partial<GuestInput>) => needsOf(kind, input).commandLine;

describe("unikraft", () => {
  test("has eight fields, the empty ones too", () => {
    expect(lineOf("unikraft", { args: ["nginx", "-c", "/nginx/conf/nginx.conf"], initrd: true })).toBe(
      'Unikraft      vfs.fstab=[ "initrd0:/:extract::ramfs=2:" ] -- nginx -c /nginx/conf/nginx.conf',
    );
  });

  test.each([
    ["0.16.1", 'vfs.fstab=[ "initrd0:/:extract::ramfs=2:" ]', "env.vars=[ A=1 ]"],
    ["v1.0", 'vfs.fstab=[ "initrd0:/:extract::ramfs=2:" ]', "env.vars=[ A=1 ]"],
    ["0.16.0", "vfs.rootfs=initrd", ""],
    ["0.9.9", "vfs.rootfs=initrd", ""],
  ])("of version %s mounts its initrd with %s", (version, mount, env) => {
    expect(lineOf("unikraft", { version, initrd: true, env: ["A=1"] })).toBe(`Unikraft  ${env}    ${mount} -- app`);
  });

  test("of a version that cannot be read is taken as current, with a warning", () => {
    expect(needsOf("unikraft", { version: "main" }).remarks).toHaveLength(1);
  });

  test("of an old version warns that it gets no environment", () => {
    expect(needsOf("unikraft", { version: "0.15.0", env: ["A=1"] }).warnings[0]).toContain("not passed");
  });

  test("gets variables that would end the list by a parameter of their own", () => {
    expect(lineOf("unikraft", { env: ["A=[1]", "B=2"] })).toContain("env.vars=[ B=2 ] env.vars=A=[1]");
  });

  test("on arm64 is told its console", () => {
    expect(lineOf("unikraft", { arch: "aarch64" })).toMatch(/^Unikraft console=ttyS0 /);
  });

  test("cannot take both kinds of quotes in one word", () => {
    expect(problemsOf("unikraft", { args: [`'"`] })).toHaveLength(1);
  });
});

describe("mirage", () => {
  test("gets its arguments only", () => {
    expect(lineOf("mirage", { args: ["--port", "80"], env: ["A=1"] })).toBe("--port 80");
  });

  test("attaches the block image by the name of the manifest", () => {
    expect(needsOf("mirage", { monitor: "hvt", block: DISK }).disks).toEqual([{ id: "storage", ...DISK }]);
    expect(needsOf("mirage", { monitor: "spt", block: DISK, blockDevice: "x1" }).disks[0]?.id).toBe("x1");
  });

  test("has no block image on qemu", () => {
    expect(problemsOf("mirage", { block: DISK })).toHaveLength(1);
  });

  test("takes a command line of 8191 bytes and no more", () => {
    expect(lineOf("mirage", { args: ["x".repeat(8191)] })).toHaveLength(8191);
    expect(problemsOf("mirage", { args: ["x".repeat(8192)] })).toHaveLength(1);
    expect(problemsOf("mirage", { args: ["é".repeat(4096)] })).toHaveLength(1);
  });
});

describe("rumprun", () => {
  test("is one JSON object with a key env for each variable", () => {
    expect(lineOf("rumprun", { monitor: "spt", args: ["a", "<b>"], env: ["A=1", "B=2"] })).toBe(
      '{"cmdline":"a <b>","env":"A=1","env":"B=2"}',
    );
  });

  test("takes what stands between the quotes as it is, but for its arguments", () => {
    expect(lineOf("rumprun", { monitor: "spt", args: ["a b", 'c"d\\', ""], env: ["A=b c", "B=C:\\new"] })).toBe(
      '{"cmdline":"\'a b\' c\\"d\\\\ \'\'","env":"A=b c","env":"B=C:\\new"}',
    );
    for (const args of [["it's"], ["_RUMPRUN_ROOTFSCFG=/data/x"]]) {
      expect(problemsOf("rumprun", { monitor: "spt", args })).toHaveLength(1);
    }
    for (const entry of ['A="', "A=\\x", "A=\\"]) {
      expect(problemsOf("rumprun", { monitor: "spt", env: [entry] })).toHaveLength(1);
    }
  });

  test("names its disk with the mount point", () => {
    const needs = needsOf("rumprun", { monitor: "hvt", block: DISK });
    expect(needs.commandLine).toBe(
      '{"cmdline":"app","blk":{"source":"etfs","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data"}}',
    );
    expect(needs.disks).toEqual([{ id: "rootfs", ...DISK }]);
  });

  test("cannot mount at /", () => {
    expect(problemsOf("rumprun", { block: { ...DISK, mountPoint: "/" } })).toHaveLength(1);
  });
});

describe("devices of Solo5 guests", () => {
  const storage = { kind: "block", name: "htdocs" } as const;
  const input = { monitor: "hvt", block: DISK, devices: [storage] } as const;

  test.each(["mirage", "rumprun", "includeos"] as const)("of %s are named as the manifest names them", (kind) => {
    expect(needsOf(kind, input).disks).toEqual([{ id: "htdocs", ...DISK }]);
    expect(needsOf(kind, { ...input, blockDevice: "htdocs" }).disks[0]?.id).toBe("htdocs");
    expect(problemsOf(kind, { ...input, blockDevice: "storage" })).toHaveLength(1);
  });

  test("that cannot be attached are refused, and files without a device too", () => {
    const net = { kind: "net", name: "service" } as const;
    expect(needsOf("mirage", { ...input, devices: [storage, { ...net, name: "lan" }] }).nics).toEqual(["lan"]);
    expect(needsOf("mirage", { ...input, devices: [storage] }).nics).toEqual([]);
    expect(problemsOf("rumprun", { ...input, devices: [storage, net, { ...net, name: "b" }] })[0]).toContain(
      "service, b",
    );
    expect(problemsOf("mirage", { ...input, netDevice: "x", devices: [storage, net] })[0]).toContain(
      "declares service",
    );
    expect(problemsOf("mirage", { ...input, devices: [storage, { kind: "block", name: "b" }] })[0]).toContain(
      "htdocs, b",
    );
    expect(problemsOf("mirage", { monitor: "hvt", devices: [storage] })[0]).toContain("block device htdocs");
    expect(problemsOf("mirage", { ...input, devices: [] })[0]).toContain("no block device");
    expect(problemsOf("mirage", { monitor: "hvt", devices: [] })).toEqual([]);
  });
});

describe("mewz", () => {
  test("ends QEMU by its debug device", () => {
    expect(needsOf("mewz", {}).monitorOptions).toEqual(["-device", "isa-debug-exit,iobase=0x501,iosize=2"]);
    expect([0, 1, 3, 7, 255, 2].map(debugExitStatus)).toEqual([0, 0, 1, 3, 127, 2]);
  });

  test("has 64 arguments at most, split at blanks", () => {
    expect(lineOf("mewz", { args: Array.from({ length: 64 }, () => "a") })).toMatch(/^-- a( a){63}$/);
    expect(problemsOf("mewz", { args: Array.from({ length: 65 }, () => "a") })).toHaveLength(1);
    expect(lineOf("mewz", { args: [] })).toBe("");
  });
});

describe("hermit", () => {
  test("needs its application as initrd", () => {
    expect(problemsOf("hermit", {})).toHaveLength(1);
    expect(lineOf("hermit", { initrd: true, env: ["A=b c"], args: ["x", "y", ""] })).toBe("'env=A=b c' -- y ''");
    expect(lineOf("hermit", { initrd: true, args: ["x"] })).toBe("");
  });
});

describe("osv", () => {
  test("takes no first word for an option, and replaces no variable", () => {
    expect(lineOf("osv", { args: ["-x", "-x"] })).toBe('"-x" -x');
    expect(problemsOf("osv", { args: ["x", "a$b"] })).toHaveLength(1);
    expect(problemsOf("osv", { args: [] })).toHaveLength(1);
  });
});

describe("nanos", () => {
  const block = { ...DISK, mountPoint: "/" };

  test("gets variables and arguments as words of the manifest", () => {
    expect(lineOf("nanos", { arch: "aarch64", block, env: ["A=1"], args: ["/app", "x"] })).toBe(
      "environment.A=1 arguments.0=/app arguments.1=x",
    );
  });

  test("starts from its disk on PCs, where nothing can be passed to it", () => {
    const needs = needsOf("nanos", { block, bootDisk: true, env: ["A=1"], args: ["/app", "x"] });
    expect(needs).toMatchObject({ commandLine: "", startsFromDisk: true, debugExit: true });
    expect(needs.warnings).toHaveLength(1);
    expect(needsOf("nanos", { block, bootDisk: true, env: [], args: [] }).warnings).toEqual([]);
    expect(problemsOf("nanos", { block })).toHaveLength(1);
  });

  test("needs its disk as root", () => {
    expect(problemsOf("nanos", {})).toHaveLength(1);
    expect(problemsOf("nanos", { block: DISK })).toHaveLength(1);
  });
});

describe("freebsd", () => {
  const block = { ...DISK, mountPoint: "/" };

  test("boots its root, with an init by its path only", () => {
    expect(lineOf("freebsd", { block, args: [] })).toBe("vfs.root.mountfrom=ufs:/dev/vtbd0");
    expect(lineOf("freebsd", { block, args: ["/a"] })).toBe("vfs.root.mountfrom=ufs:/dev/vtbd0 init_path=/a");
    for (const word of ["a", "/a:/b", "/a,boot_single=1", "/a b"]) {
      expect(problemsOf("freebsd", { block, args: [word] })).toHaveLength(1);
    }
  });
});

describe("linux", () => {
  test("boots its init from a block image at /", () => {
    const block = { ...DISK, mountPoint: "/" };
    const needs = needsOf("linux", { args: ["/init", "a"], block });
    expect(needs.commandLine).toBe("panic=-1 console=ttyS0 root=/dev/vda rw init=/init -- a");
    expect(needs.disks).toEqual([{ id: "rootfs", ...block }]);
    expect(lineOf("linux", { args: ["/init"], block: { ...block, readonly: true } })).toContain("root=/dev/vda ro ");
  });

  test("boots its init from an initrd, with the environment before it", () => {
    expect(lineOf("linux", { args: ["/sbin/init"], env: ["A=1", "B=2"], initrd: true })).toBe(
      "panic=-1 console=ttyS0 root=/dev/ram0 rw A=1 B=2 rdinit=/sbin/init -- ",
    );
  });

  test("names no root when the kernel brings its own", () => {
    expect(lineOf("linux", { args: ["/init"], block: DISK })).toBe("panic=-1 console=ttyS0 init=/init -- ");
  });

  test.each([
    ["a b", '"a b"'],
    ["", '""'],
    ["it's", "it's"],
    ["à", '"à"'],
    ["a\nb", '"a\nb"'],
  ])("passes the argument %j as %j", (argument, word) => {
    expect(lineOf("linux", { args: ["/init", argument] })).toBe(`panic=-1 console=ttyS0 init=/init -- ${word}`);
  });

  test("passes words with blanks to urunit between single quotes", () => {
    expect(lineOf("linux", { args: ["/urunit", "nginx", "-g", "daemon off;"] })).toMatch(/ -- nginx -g 'daemon off;'$/);
  });

  test.each(["a -- b", "it's two", "a  b", " a", "'a", "tab\t", 'say "x"', "--", "voilà"])(
    "refuses the argument %j for urunit",
    (argument) => {
      expect(problemsOf("linux", { args: ["/urunit", argument] })).toHaveLength(1);
    },
  );

  test.each(["init=/bin/sh", "root=x", "console=", "a.b=1", "A B=1", "nokaslr=1", 'A="', "cgroup-disable=memory"])(
    "refuses the variable %s",
    (entry) => {
      expect(problemsOf("linux", { args: ["/init"], env: [entry] })).toHaveLength(1);
    },
  );

  test.each(["http_proxy=x", "PATH=/bin", "_=x", "x-y=1", "INIT=1", "A=1 init=/bin/sh"])(
    "passes the variable %s",
    (entry) => {
      expect(problemsOf("linux", { args: ["/init"], env: [entry] })).toEqual([]);
    },
  );

  test("needs an init", () => {
    expect(problemsOf("linux", { args: [] })[0]).toContain("no init was specified");
    expect(problemsOf("linux", { args: [""] })[0]).toContain("no init was specified");
  });

  test("has room for 2047 bytes", () => {
    const rest = 2047 - lineOf("linux", { args: ["/i", "x"] }).length;
    expect(lineOf("linux", { args: ["/i", "x".repeat(rest + 1)] })).toHaveLength(2047);
    expect(problemsOf("linux", { args: ["/i", "x".repeat(rest + 2)] })).toHaveLength(1);
  });

  test("warns of more words than most kernels take", () => {
    expect(
      needsOf("linux", { args: ["/i"], env: Array.from({ length: 31 }, (_, index) => `E${index}=1`) }).remarks,
    ).toHaveLength(1);
  });
});

describe("helpers of guests", () => {
  test("names that are no guest are no guest", () => {
    expect(guestKind("linux")).toBe("linux");
    expect(guestKind("toString")).toBeUndefined();
  });

  test("versions compare by number", () => {
    const version = parseVersion("0.16.1");
    if (version === undefined) throw new Error("0.16.1 cannot be read");
    expect(isBefore(parseVersion("0.9") ?? version, version)).toBe(true);
    expect(isBefore(parseVersion("0.16.10") ?? version, version)).toBe(false);
    expect(isBefore(version, version)).toBe(false);
    expect(parseVersion("1.x")).toBeUndefined();
  });

  test.each(["", "a", "é", "語", "😀", "\ud83d", "a\udc00b", "😀é"])("the size of %j is that of its UTF-8", (text) => {
    expect(utf8Size(text)).toBe(Buffer.byteLength(text, "utf8"));
  });

  test("a surrogate that stands for a byte of a name counts as that byte", () => {
    expect(utf8Size("a\udce9\udc80\udcff")).toBe(4);
    expect(utf8Size("\ud83d\udc80")).toBe(4);
    expect(utf8Size("\udc7f\udd00")).toBe(6);
  });
});
