import * as sys from "urunc:sys";
import { RuntimeFailure } from "../../src/failure.ts";
import { archiveTree, treeWalk } from "../../src/storage/archive-tree.ts";
import { archiveWriter } from "../../src/storage/archive-writer.ts";
import { AT_FDCWD, O_CREAT, O_DIRECTORY, O_RDWR, O_WRONLY, S_IFSOCK } from "../../src/sys/constants.ts";
import { check, equal, scratchPath, type Test, test, withFd } from "./harness.ts";

const HEADER = 110;
const NO_LIMIT = 1 << 30;
const S_IFIFO = 0o010000;
const RENAME_EXCHANGE = 2;
const SIGKILL = 9;

/** Reads an archive of ASCII names and contents back: a line for each entry. */
export function linesOf(text: string): readonly string[] {
  const lines: string[] = [];
  const padded = (size: number) => size + ((4 - (size % 4)) % 4);
  for (let at = 0; at < text.length; ) {
    const field = (index: number) => Number.parseInt(text.slice(at + 6 + index * 8, at + 14 + index * 8), 16);
    const size = field(6);
    const nameSize = field(11);
    const data = at + padded(HEADER + nameSize);
    const name = text.slice(at + HEADER, at + HEADER + nameSize - 1);
    lines.push(`${name} ${field(1).toString(8)} ${text.slice(data, data + size)}`);
    at = data + padded(size);
  }
  return lines;
}

function archiveOf(path: string, limit = NO_LIMIT): readonly string[] {
  const place = `${path}.archive`;
  return withFd(sys.open(place, O_RDWR | O_CREAT, 0o600), (out) =>
    withFd(sys.open(path, O_DIRECTORY), (root) => {
      const writer = archiveWriter(out, limit, () => new RuntimeFailure("initrd", "too large"));
      archiveTree(treeWalk(writer, true), root, "", new Set());
      equal(writer.finish(), sys.fstat(out).size);
      sys.lseek(out, 0, 0);
      return linesOf(sys.readText(out, NO_LIMIT));
    }),
  );
}

function makeTree(name: string): string {
  const path = scratchPath(`archive-${name}`);
  sys.mkdirat(AT_FDCWD, path, 0o755);
  return path;
}

function putText(path: string, content: string): void {
  withFd(sys.open(path, O_WRONLY | O_CREAT, 0o640), (fd) => sys.writeText(fd, content));
}

function failureOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof RuntimeFailure) return error.message;
    throw error;
  }
  throw new Error("Nothing was thrown");
}

export const archiveTests: readonly Test[] = [
  test([], "an archive has a tree's entries in order, and follows no link", () => {
    const tree = makeTree("tree");
    sys.mkdirat(AT_FDCWD, `${tree}/b`, 0o750);
    putText(`${tree}/b/file`, "five!");
    putText(`${tree}/empty`, "");
    sys.symlinkat("/etc", AT_FDCWD, `${tree}/a-link`);
    sys.symlinkat("/etc/passwd", AT_FDCWD, `${tree}/c-link`);
    sys.mknodat(AT_FDCWD, `${tree}/pipe`, S_IFIFO | 0o600, 0, 0);
    sys.mknodat(AT_FDCWD, `${tree}/socket`, S_IFSOCK | 0o600, 0, 0);
    equal(archiveOf(tree), [
      ". 40755 ",
      "a-link 120777 /etc",
      "b 40750 ",
      "b/file 100640 five!",
      "c-link 120777 /etc/passwd",
      "empty 100640 ",
      "pipe 10600 ",
    ]);
  }),

  test([], "a pipe that takes a file's place while an archive is made is not opened, and no error", () => {
    const tree = makeTree("swapped");
    putText(`${tree}/a`, "text");
    sys.mknodat(AT_FDCWD, `${tree}/b`, S_IFIFO | 0o600, 0, 0);
    const child = sys.clone3(0);
    if (child.pid === 0) {
      for (;;) sys.renameat2(AT_FDCWD, `${tree}/a`, AT_FDCWD, `${tree}/b`, RENAME_EXCHANGE);
    }
    try {
      for (let round = 0; round < 500; round++) {
        if (round > 0) sys.unlinkat(AT_FDCWD, `${tree}.archive`, 0);
        for (const line of archiveOf(tree).slice(1)) {
          check(/^[ab] (100640 text|10600 )$/.test(line), `an entry is a file or a pipe, found ${line}`);
        }
      }
    } finally {
      sys.kill(child.pid, SIGKILL);
      sys.waitpid(child.pid, 0);
      sys.close(child.pidfd);
    }
  }),

  test([], "an archive over the limit is not written any further", () => {
    const tree = makeTree("large");
    putText(`${tree}/file`, "x".repeat(100_000));
    equal(
      failureOf(() => archiveOf(tree, 50_000)),
      "too large",
    );
    check(sys.fstatat(AT_FDCWD, `${tree}.archive`, 0).size <= 50_000, "the file stays below the limit");
  }),

  test([], "a tree too deep for an archive is refused", () => {
    let path = makeTree("deep");
    for (let depth = 0; depth < 205; depth++) {
      path += "/d";
      sys.mkdirat(AT_FDCWD, path, 0o755);
    }
    check(
      failureOf(() => archiveOf(scratchPath("archive-deep"))).includes("200 directories deep"),
      "the failure says how deep",
    );
  }),

  test([], "an archive has nothing in the place of our own init, and no name it cannot keep", () => {
    const path = makeTree("names");
    sys.mkdirat(AT_FDCWD, `${path}/.urunc`, 0o755);
    sys.mkdirat(AT_FDCWD, `${path}/.urunc/init`, 0o755);
    putText(`${path}/urunit.conf`, "UID:0");
    putText(`${path}/kept`, "x");
    const lines = archiveOf(path);
    check(
      lines.every((line) => !line.includes("urun")),
      "the image's files are left out",
    );
    check(
      lines.some((line) => line.includes("kept")),
      "the others are there",
    );
    putText(`${path}/TRAILER!!!`, "x");
    check(failureOf(() => archiveOf(path)).includes("ends an archive"), "the last entry's name is refused");
  }),
];
