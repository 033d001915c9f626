import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { annotation, type BundleOptions, busyboxBundle, putFile } from "../lib/bundle.ts";
import { run, start, succeed, until } from "../lib/command.ts";
import { atEnd, scratch } from "../lib/hygiene.ts";
import { type CpioFile, cpioOf, debianKernel, type LinuxKernel } from "../lib/linux-kernel.ts";
import { SOURCE } from "../lib/paths.ts";
import { type Runtime, urunc } from "../lib/runtime.ts";

const GUEST_INIT = join(SOURCE, "build", "guest-init");
const APPLETS = "sh id pwd mount ls cat hostname stat sleep env sync echo sha256sum".split(" ");
const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 13) & 255));
const SUM = createHash("sha256").update(CONTENT).digest("hex");

/** Says what it was given, each fact on a line of its own. */
const REPORT = [
  'n=0; for a in "$0" "$@"; do echo "arg[$n]=$a"; n=$((n+1)); done',
  'echo "id=$(id)"; echo "cwd=$(pwd)"; echo "host=$(hostname)"',
  'echo "A=$A"; echo "B=$B"',
  'while read d p t r; do echo "mount $p $t"; done < /proc/mounts',
  "stat -c 'file %n %a %u:%g %h %s' /bin/busybox /data/own /data/linked /data/link /data/pipe 2>/dev/null",
  "sha256sum /data/content",
  "echo end",
].join("\n");

const WORDS = ["zero", "a  b", "", 'it\'s "q"', "back\\slash\\n", "--", "$HOME", "ä", "a=b"];

const OPTIONS: BundleOptions = {
  args: ["sh", "-c", REPORT, ...WORDS],
  env: ["PATH=/bin", "A=two words ' \"", "B=first\nsecond"],
  user: { uid: 1000, gid: 1001, additionalGids: [7, 44] },
  cwd: "/srv/here",
};

let kernel: LinuxKernel;
beforeAll(() => {
  kernel = debianKernel();
});

function addApplets(bundle: string): string {
  for (const applet of APPLETS) {
    const path = join(bundle, "rootfs", "bin", applet);
    rmSync(path, { force: true });
    symlinkSync("busybox", path);
  }
  return bundle;
}

/** An ordinary image, to be booted on the host's kernel. */
function ordinary(options: BundleOptions): string {
  const annotations = { [annotation("bootKernel")]: kernel.image, ...options.annotations };
  const bundle = addApplets(busyboxBundle({ ...options, annotations }));
  putFile(bundle, "data/content", CONTENT);
  return bundle;
}

function runtimeOf(more = ""): Runtime {
  return urunc(`[container_boot]\ndirectories = ["${kernel.directory}", "${scratch()}"]\n${more}`);
}

/** The host's initrd with the modules for disks. */
function moduleInitrd(): string {
  const path = join(scratch(), "modules.initrd");
  writeFileSync(path, cpioOf(kernel.modules));
  return path;
}

function link(name: string): CpioFile {
  return { name: `bin/${name}`, mode: 0o120777, content: Buffer.from("busybox") };
}

interface End {
  readonly status: number | string;
  readonly lines: readonly string[];
}

async function ended(runtime: Runtime, bundle: string): Promise<End> {
  const running = runtime.begin("run", "--bundle", bundle, "linux");
  const status = await running.ended();
  const lines = running.stdout().split("\n");
  expect(lines, running.stdout() + running.stderr()).toContain("end");
  return { status, lines };
}

function expectAllAsAsked({ status, lines }: End): void {
  expect(status).toBe(0);
  for (const [index, word] of WORDS.entries()) expect(lines).toContain(`arg[${index}]=${word}`);
  expect(lines.filter((line) => line.startsWith("arg["))).toHaveLength(WORDS.length);
  expect(lines).toContain("id=uid=1000 gid=1001 groups=7,44");
  expect(lines).toContain("cwd=/srv/here");
  expect(lines).toContain("host=test");
  expect(lines).toContain("A=two words ' \"");
  expect(lines).toContain("B=first");
  expect(lines).toContain("second");
  expect(lines).toContain(`${SUM}  /data/content`);
  for (const mount of ["/proc proc", "/sys sysfs", "/dev devtmpfs", "/dev/pts devpts", "/dev/shm tmpfs"]) {
    expect(lines).toContain(`mount ${mount}`);
  }
}

/** Makes an ext4 file system of the bundle's rootfs in place of its files. */
function packIntoDisk(bundle: string): void {
  const tree = join(bundle, "tree");
  succeed(run(scratch(), ["mv", join(bundle, "rootfs"), tree]));
  mkdirSync(join(bundle, "rootfs"));
  makeDisk(tree, join(bundle, "rootfs", "disk.ext4"));
}

function makeDisk(tree: string, disk: string): void {
  writeFileSync(disk, "");
  truncateSync(disk, 16 << 20);
  succeed(run(scratch(), ["mke2fs", "-q", "-F", "-t", "ext4", "-d", tree, disk]));
}

describe("an ordinary image on a kernel of the host", () => {
  it("runs its program as the bundle asks", async () => {
    expectAllAsAsked(await ended(runtimeOf(), ordinary(OPTIONS)));
  });

  it("has the image's files as they are, links and owners too, and nothing of the host's", async () => {
    const bundle = ordinary({ ...OPTIONS, user: { uid: 0, gid: 0 } });
    putFile(bundle, "data/own", "some content");
    linkSync(join(bundle, "rootfs/data/own"), join(bundle, "rootfs/data/linked"));
    symlinkSync("/etc/hostname", join(bundle, "rootfs/data/link"));
    succeed(run(scratch(), ["mkfifo", "-m", "0640", join(bundle, "rootfs/data/pipe")]));
    succeed(run(scratch(), ["chown", "12:34", join(bundle, "rootfs/data/own")]));
    succeed(run(scratch(), ["chmod", "4751", join(bundle, "rootfs/data/own")]));
    const look = (): string => run(scratch(), ["find", bundle, "-printf", "%p %m %U %G %s %T@ %n\n"]).stdout();
    const before = look();
    const { status, lines } = await ended(runtimeOf(), bundle);
    expect(status).toBe(0);
    expect(lines).toContain("file /data/own 4751 12:34 2 12");
    expect(lines).toContain("file /data/linked 4751 12:34 2 12");
    expect(lines).toContain("file /data/link 777 0:0 1 13");
    expect(lines).toContain("file /data/pipe 640 0:0 1 0");
    expect(lines).toContain(`file /bin/busybox 755 0:0 1 ${readFileSync("/bin/busybox").length}`);
    expect(look()).toBe(before);
  });

  it("hands out the program's exit status", async () => {
    const bundle = ordinary({ ...OPTIONS, args: ["sh", "-c", "echo end; exit 7"] });
    expect((await ended(runtimeOf(), bundle)).status).toBe(7);
  });

  it("has a virtio console where the configuration says so", async () => {
    const runtime = urunc(
      `console = "virtio"\n[container_boot]\ndirectories = ["${kernel.directory}", "${scratch()}"]\n`,
    );
    const bundle = ordinary({
      args: ["sh", "-c", "cat /sys/class/tty/console/active; echo end; exit 3"],
      annotations: { [annotation("bootInitrd")]: moduleInitrd() },
    });
    const { status, lines } = await ended(runtime, bundle);
    expect(lines).toContain("hvc0");
    expect(status).toBe(3);
  });

  it("says that a program is not there", async () => {
    const running = runtimeOf().begin("run", "--bundle", ordinary({ args: ["/bin/nothing"] }), "linux");
    expect(await running.ended()).toBe(127);
    expect(running.stdout()).toContain("guest-init: /bin/nothing: not found");
  });

  it("has a disk of the image for its root", async () => {
    const disk = { bootInitrd: moduleInitrd(), block: "/disk.ext4", blkMntPoint: "/" };
    const annotations = Object.fromEntries(Object.entries(disk).map(([key, value]) => [annotation(key), value]));
    const bundle = ordinary({ ...OPTIONS, annotations });
    putFile(bundle, "srv/here/file", "");
    packIntoDisk(bundle);
    const end = await ended(runtimeOf(), bundle);
    expectAllAsAsked(end);
    expect(end.lines).toContain("mount / ext4");
    // The bundle's root is read-only, so is the disk: what has to be written lies in memory.
    expect(end.lines).toContain("mount /tmp tmpfs");
  });

  it("has a disk of the image where the image says", async () => {
    const disk = { bootInitrd: moduleInitrd(), block: "/disk.ext4", blkMntPoint: "/data/disk" };
    const annotations = Object.fromEntries(Object.entries(disk).map(([key, value]) => [annotation(key), value]));
    const bundle = ordinary({ ...OPTIONS, args: ["sh", "-c", "cat /data/disk/file; mount; echo end"], annotations });
    const tree = join(scratch(), "tree");
    mkdirSync(tree);
    writeFileSync(join(tree, "file"), "on the disk\n");
    makeDisk(tree, join(bundle, "rootfs", "disk.ext4"));
    const { status, lines } = await ended(runtimeOf(), bundle);
    expect(status).toBe(0);
    expect(lines).toContain("on the disk");
    expect(lines.find((line) => line.includes(" on /data/disk type ext4 "))).toMatch(/\(ro,/);
  });

  it("is refused when its rootfs does not fit into memory, with what to do", () => {
    const bundle = ordinary({ ...OPTIONS, memoryLimit: 96 << 20 });
    putFile(bundle, "large", Buffer.alloc(9 << 20, 1));
    const runtime = runtimeOf();
    runtime.create("large", bundle);
    expect(runtime.verb("start", "large").status).toBe(1);
    expect(runtime.lastError()).toMatch(/initrd would have more than .* guest memory of 96 MiB.*block image/);
  });

  it("is refused when the kernel lies where the configuration does not allow it", () => {
    const runtime = urunc();
    expect(runtime.verb("create", "--bundle", ordinary(OPTIONS), "linux").status).toBe(1);
    expect(runtime.lastError()).toContain("container_boot.directories");
  });
});

/** A machine started by hand, whose init is guest-init with this configuration; gives its serial output. */
function machineWith(configuration: string, applets: readonly string[], more: readonly string[] = []) {
  const initrd = join(scratch(), "own.initrd");
  const archive = cpioOf([
    ...kernel.modules,
    { name: ".urunc/init", mode: 0o100755, content: readFileSync(GUEST_INIT) },
    { name: "bin/busybox", mode: 0o100755, content: readFileSync("/bin/busybox") },
    ...applets.map(link),
    { name: "urunit.conf", mode: 0o100400, content: Buffer.from(configuration) },
  ]);
  writeFileSync(initrd, archive);
  const serial = join(scratch(), "serial.txt");
  const output = (): string => (existsSync(serial) ? readFileSync(serial, "utf8") : "");
  const machine = "-M pc -accel tcg -m 128 -nodefaults -display none -no-reboot -monitor stdio".split(" ");
  const guest = [
    "-kernel",
    kernel.image,
    "-initrd",
    initrd,
    "-append",
    "console=ttyS0 quiet guest_init.exit_port=244 rdinit=/.urunc/init",
  ];
  const devices = ["-serial", `file:${serial}`, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"];
  const running = start(scratch(), ["qemu-system-x86_64", ...machine, ...devices, ...more, ...guest]);
  atEnd(() => void running.child.kill("SIGKILL"));
  return { running, output };
}

function nic(id: string, mac: string): readonly string[] {
  return ["-netdev", `hubport,id=${id},hubid=0`, "-device", `virtio-net-pci,netdev=${id},mac=${mac},romfile=`];
}

describe("guest-init", () => {
  it.each(["system_powerdown", "sendkey ctrl-alt-delete"])("passes %s on as a request to end", async (press) => {
    const script = "trap 'echo got; exit 9' TERM; echo up; while :; do sleep 1; done";
    const configuration = `UCS\nTTY:0\nARC:3\nARV:/bin/sh\nARV:-c\nARV:${script}\nUCE\n`;
    const { running, output } = machineWith(configuration, ["sh", "sleep"]);
    await until("the application is up", () => output().includes("up"), 40_000);
    running.write(`${press}\n`);
    expect(await running.ended(), output()).toBe(2 * 9 + 1);
    expect(output()).toContain("got");
  });

  it("ends with 125 when its configuration cannot be used", async () => {
    const { running, output } = machineWith("UCS\nUID:root\nUCE\n", ["sh"]);
    expect(await running.ended(), output()).toBe(2 * 125 + 1);
    expect(output()).toContain("guest-init: configuration: cannot use the line root");
  });

  it("sets up every nic with addresses of both families, gateways elsewhere, MTU and name, and the resolver", async () => {
    const script = "ip -o address; ip route; ip -6 route; ip -o link; cat /etc/resolv.conf; hostname; echo end";
    const configuration = [
      ...["UCS", "TTY:0", "HN:web", "SD:a.example", "SD:b.example", "NS:10.9.8.53", "NS:fd00::53"],
      ...["RV:ndots:2", "RV:edns0"],
      ...["ARC:3", "ARV:/bin/sh", "ARV:-c", `ARV:${script}`, "UCE", "UNS"],
      // The first card of the machine is the second of the container, so that the names have to change places.
      ...["MAC:0a:00:00:00:00:02", "NAME:eth0", "MTU:1400", "IP:10.9.8.7", "MSK:255.255.255.255", "GW:169.254.1.1"],
      ...["IP6:fd00::7/128", "GW6:fd01::1"],
      ...["MAC:0a:00:00:00:00:01", "NAME:eth1", "MTU:1500", "IP:10.1.0.2", "MSK:255.255.0.0", "GW:10.1.0.1"],
      ...["IP6:2001:db8:0:1::2/64", "GW6:fe80::1", "UNE", ""],
    ].join("\n");
    const cards = [...nic("one", "0a:00:00:00:00:01"), ...nic("two", "0a:00:00:00:00:02")];
    const { running, output } = machineWith(configuration, ["sh", "ip", "cat", "hostname"], cards);
    expect(await running.ended(), output()).toBe(0);
    const lines = output().split(/\r?\n/);
    expect(lines).toContain("end");
    for (const part of [
      "eth0    inet 10.9.8.7/32 ",
      "eth0    inet6 fd00::7/128 scope global ",
      "eth1    inet 10.1.0.2/16 brd 10.1.255.255 ",
      "eth1    inet6 2001:db8:0:1::2/64 scope global ",
    ]) {
      expect(output()).toContain(part);
    }
    expect(output()).not.toContain("tentative");
    expect(lines).toContain("default via 169.254.1.1 dev eth0 ");
    expect(lines).toContain("169.254.1.1 dev eth0 scope link ");
    expect(lines).toContain("default via 10.1.0.1 dev eth1  metric 1 ");
    expect(output()).toMatch(/default via fd01::1 dev eth0 .*metric 1024/);
    expect(output()).toMatch(/default via fe80::1 dev eth1 .*metric 1025/);
    expect(output()).toMatch(/eth0: .* mtu 1400 .* 0a:00:00:00:00:02 /);
    expect(output()).toMatch(/eth1: .* mtu 1500 .* 0a:00:00:00:00:01 /);
    const resolver = lines.indexOf("search a.example b.example");
    expect(lines.slice(resolver + 1, resolver + 5)).toEqual([
      ...["nameserver 10.9.8.53", "nameserver fd00::53", "options ndots:2 edns0", "web"],
    ]);
    expect(output()).not.toContain("guest-init:");
  });
});

describe("an image that brings a kernel and an initrd of its own", () => {
  it("is given its configuration in a copy of its initrd", async () => {
    const bundle = busyboxBundle({
      ...OPTIONS,
      args: ["/sbin/guest-init", ...(OPTIONS.args ?? [])],
      annotations: {
        [annotation("unikernelType")]: "linux",
        [annotation("hypervisor")]: "qemu",
        [annotation("binary")]: "/kernel",
        [annotation("initrd")]: "/initrd",
      },
    });
    const archive = cpioOf([
      { name: "bin/busybox", mode: 0o100755, content: readFileSync("/bin/busybox") },
      { name: "sbin/guest-init", mode: 0o100755, content: readFileSync(GUEST_INIT) },
      { name: "data/content", mode: 0o100644, content: CONTENT },
      ...APPLETS.map(link),
    ]);
    putFile(bundle, "initrd", archive);
    copyFileSync(kernel.image, join(bundle, "rootfs", "kernel"));
    expectAllAsAsked(await ended(urunc(), bundle));
    expect(readFileSync(join(bundle, "rootfs", "initrd")).equals(archive)).toBe(true);
  });
});
