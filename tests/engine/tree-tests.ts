import * as sys from "urunc:sys";
import { AT_FDCWD, CLONE_NEWNS, MS_REC, MS_SLAVE, O_DIRECTORY } from "../../src/sys/constants.ts";
import { emptyDirectory, removeTree } from "../../src/sys/file.ts";
import {
  check,
  equal,
  inChild,
  readFile,
  scratchPath,
  sysError,
  type Test,
  test,
  withFd,
  withFile,
} from "./harness.ts";

const LEVELS = 5000;
/** With it the way down is hundreds of times as long as a path may be. */
const LONGEST_NAME = "d".repeat(255);

/** Directories in one another, below one that is open, with something in each of them. */
function nest(top: number, levels: number): void {
  let here = sys.dupCloexec(top, 3);
  for (let level = 0; level < levels; level += 1) {
    sys.symlinkat("/", here, "link");
    sys.mkdirat(here, "empty", 0o700);
    sys.mkdirat(here, LONGEST_NAME, 0o700);
    const next = sys.openat(here, LONGEST_NAME, O_DIRECTORY, 0);
    sys.close(here);
    here = next;
  }
  sys.close(here);
}

function makeDirectory(name: string): string {
  const path = scratchPath(name);
  sys.mkdirat(AT_FDCWD, path, 0o700);
  return path;
}

export const treeTests: readonly Test[] = [
  test([], "removeTree takes away a tree that is deeper than any path or stack", () => {
    const path = makeDirectory("deep");
    withFd(sys.open(path, O_DIRECTORY), (top) => nest(top, LEVELS));
    removeTree(AT_FDCWD, path);
    sysError("ENOENT", () => sys.fstatat(AT_FDCWD, path, 0));
  }),

  test([], "emptyDirectory leaves the directory itself, and what a link leads to", () => {
    withFile("kept-by-links", "text", (_, kept) => {
      const path = makeDirectory("emptied");
      withFd(sys.open(path, O_DIRECTORY), (top) => {
        nest(top, 3);
        sys.symlinkat(kept, top, "file");
        emptyDirectory(top);
        equal(sys.readdir(top), []);
      });
      equal(readFile(kept), "text");
    });
  }),

  test([], "removeTree goes on after a name that cannot be removed, and says which", () => {
    const path = makeDirectory("goes-on");
    const places = ["a", "m", "z", "below"].map((name) => `${path}/${name}`);
    for (const place of places) sys.mkdirat(AT_FDCWD, place, 0o700);
    for (const place of ["a", "z"]) sys.mkdirat(AT_FDCWD, `${path}/below/${place}`, 0o700);
    inChild(CLONE_NEWNS, () => {
      sys.mount("none", "/", null, MS_REC | MS_SLAVE, null);
      for (const place of ["m", "below/z"]) {
        sys.mkdirat(AT_FDCWD, `${path}/${place}/kept`, 0o700);
        sys.mount("tmpfs", `${path}/${place}/kept`, "tmpfs", 0, null);
      }
      const error = sysError("EBUSY", () => removeTree(AT_FDCWD, path));
      check(error.path === "kept", "the name");
      equal([...withFd(sys.open(path, O_DIRECTORY), sys.readdir)].sort(), ["below", "m"]);
      equal(withFd(sys.open(`${path}/below`, O_DIRECTORY), sys.readdir), ["z"]);
    });
    removeTree(AT_FDCWD, path);
    sysError("ENOENT", () => sys.fstatat(AT_FDCWD, path, 0));
  }),

  test([], "removeTree leaves another file system as it is", () => {
    const path = makeDirectory("with-mount");
    sys.mkdirat(AT_FDCWD, `${path}/mounted`, 0o700);
    inChild(CLONE_NEWNS, () => {
      sys.mount("none", "/", null, MS_REC | MS_SLAVE, null);
      sys.mount("tmpfs", `${path}/mounted`, "tmpfs", 0, null);
      sys.mkdirat(AT_FDCWD, `${path}/mounted/directory`, 0o700);
      sysError("EBUSY", () => withFd(sys.open(scratchPath(""), O_DIRECTORY), (top) => removeTree(top, "with-mount")));
      check(sys.readdir(sys.open(`${path}/mounted`, O_DIRECTORY)).length === 1, "the file system has its directory");
    });
    removeTree(AT_FDCWD, path);
  }),
];
