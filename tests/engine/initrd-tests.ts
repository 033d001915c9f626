import * as sys from "urunc:sys";
import type { InitrdPart } from "../../src/plan/launch-plan.ts";
import { cpioHead, cpioPadding, cpioTrailer } from "../../src/storage/cpio.ts";
import { writeInitrd } from "../../src/storage/initrd.ts";
import {
  AT_FDCWD,
  O_CREAT,
  O_DIRECTORY,
  O_RDWR,
  O_WRONLY,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "../../src/sys/constants.ts";
import { linesOf } from "./archive-tests.ts";
import { equal, inChild, scratchPath, type Test, test, withFd } from "./harness.ts";

const NO_LIMIT = 1 << 30;

function entry(name: string, mode: number, content = ""): string {
  const nothing = { uid: 0, gid: 0, mtime: 0, ino: 0, nlink: 1, rdevMajor: 0, rdevMinor: 0 };
  return `${cpioHead({ name, mode, size: content.length, ...nothing })}${content}${cpioPadding(content.length)}`;
}

function put(path: string, content: string): void {
  withFd(sys.open(path, O_WRONLY | O_CREAT, 0o640), (fd) => sys.writeText(fd, content));
}

/** The image's archive with copies of mounts in it, read back; and what was warned of. */
function merged(image: string, mounts: readonly { readonly source: string; readonly path: string }[]) {
  const out = `${image}.made`;
  const warnings: string[] = [];
  const parts: readonly InitrdPart[] = [
    { kind: "image-archive", source: "initrd", without: mounts.map(({ path }) => path) },
    ...mounts.map((mount) => ({ kind: "mount", ...mount }) as const),
    { kind: "end" },
  ];
  const initrd = { target: "/initrd", limit: NO_LIMIT, limitSource: "the test", parts };
  const text = withFd(sys.open(out, O_RDWR | O_CREAT, 0o600), (made) =>
    withFd(sys.open(image, O_DIRECTORY), (root) => {
      equal(
        writeInitrd(made, initrd, root, (message) => warnings.push(message)),
        sys.fstat(made).size,
      );
      sys.lseek(made, 0, 0);
      return sys.readText(made, NO_LIMIT);
    }),
  );
  return { text, warnings };
}

function makeImage(name: string, archive: string): string {
  const image = scratchPath(`initrd-${name}`);
  sys.mkdirat(AT_FDCWD, image, 0o755);
  put(`${image}/initrd`, archive);
  return image;
}

export const initrdTests: readonly Test[] = [
  test(
    [],
    "bind mounts are put into the one archive of an image: replaced, with their directories, before its only end",
    () => {
      const archive = [
        entry(".", S_IFDIR | 0o755),
        entry("etc", S_IFDIR | 0o755),
        entry("etc/hosts", S_IFREG | 0o644, "of the image"),
        entry("etc/config", S_IFDIR | 0o755),
        entry("etc/config/own", S_IFREG | 0o644, "lost"),
        entry("run", S_IFDIR | 0o755),
        entry("var", S_IFDIR | 0o755),
        entry("var/run", S_IFLNK | 0o777, "/run"),
        entry("app", S_IFREG | 0o755, "program"),
        cpioTrailer(),
      ].join("");
      const image = makeImage("merged", archive);
      const host = scratchPath("initrd-host");
      sys.mkdirat(AT_FDCWD, host, 0o755);
      put(`${host}/hosts`, "of the host");
      sys.mkdirat(AT_FDCWD, `${host}/map`, 0o750);
      put(`${host}/map/key`, "value");
      inChild(0, () => sys.execve("/bin/ln", ["ln", `${host}/map/key`, `${host}/map/same`], []));
      const { text, warnings } = merged(image, [
        { source: `${host}/hosts`, path: "/etc/hosts" },
        { source: `${host}/map`, path: "/etc/config" },
        { source: `${host}/map/key`, path: "/var/run/new/deep/key" },
      ]);
      equal(warnings, []);
      equal(linesOf(text), [
        ". 40755 ",
        "etc 40755 ",
        "run 40755 ",
        "var 40755 ",
        "var/run 120777 /run",
        "app 100755 program",
        "etc/hosts 100640 of the host",
        "etc/config 40750 ",
        "etc/config/key 100640 value",
        "etc/config/same 100640 value",
        "run/new 40755 ",
        "run/new/deep 40755 ",
        "run/new/deep/key 100640 value",
        "TRAILER!!! 0 ",
      ]);
      withFd(sys.open(`${image}/initrd`, 0), (fd) => equal(sys.readText(fd, NO_LIMIT), archive));
    },
  ),

  test([], "what is no plain archive stays as it is, and a warning names the bind mounts that are lost", () => {
    const image = makeImage("packed", "no archive, 26 bytes long.");
    const host = scratchPath("initrd-lost");
    put(host, "lost");
    const { text, warnings } = merged(image, [
      { source: host, path: "/etc/a" },
      { source: host, path: "/etc/b" },
    ]);
    equal(text, "no archive, 26 bytes long.");
    equal(warnings, [
      "The initrd of the image is no plain cpio archive, it may be compressed: the guest does not get the bind mounts /etc/a, /etc/b",
    ]);
  }),
];
