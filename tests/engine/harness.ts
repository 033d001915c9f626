/** A tiny test harness for the inside of the engine: no npm package, no event loop, one line per test. */

import * as sys from "urunc:sys";
import { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW, S_IFDIR, S_IFMT } from "../../src/sys/constants.ts";

/** Name of one function of `urunc:sys`. */
export type Binding = keyof typeof sys;

export interface Test {
  readonly covers: readonly Binding[];
  /** A sentence. */
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

export function test(covers: Binding | readonly Binding[], name: string, run: () => void | Promise<void>): Test {
  return { covers: typeof covers === "string" ? [covers] : covers, name, run };
}

/** Runs all tests and prints a line for each; false when one failed. */
export async function runTests(tests: readonly Test[]): Promise<boolean> {
  let good = true;
  sys.mkdirat(AT_FDCWD, scratch, 0o700);
  try {
    for (const { name, run } of tests) {
      const problem = await problemOf(run);
      sys.writeText(1, problem === undefined ? `ok - ${name}\n` : `not ok - ${name}: ${problem}\n`);
      good &&= problem === undefined;
    }
  } finally {
    removeTree(scratch);
  }
  return good;
}

async function problemOf(run: () => void | Promise<void>): Promise<string | undefined> {
  const before = openDescriptors();
  try {
    await run();
  } catch (error) {
    return describe(error);
  }
  const after = openDescriptors();
  return before === after ? undefined : `Descriptors were ${before} before and are ${after} after`;
}

function openDescriptors(): string {
  const fd = sys.open("/proc/self/fd", 0);
  try {
    const own = String(fd);
    return sys
      .readdir(fd)
      .filter((name) => name !== own)
      .sort()
      .join(",");
  } finally {
    sys.close(fd);
  }
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = (error.stack ?? "").trim().replaceAll(/\s*\n\s*/g, " ");
  return `${error.name}: ${error.message} ${place}`;
}

// ---- expectations

export function equal(actual: unknown, expected: unknown): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new Error(`Found ${found}, expected ${wanted}`);
}

export function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Not so: ${what}`);
}

function isSysError(error: unknown): error is sys.SysError {
  return error instanceof Error && error.name === "SysError";
}

/** The SysError that `run` throws; any other end is a failure. */
export function sysError(code: string, run: () => unknown): sys.SysError {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (isSysError(error) && error.code === code) return error;
    throw new Error(`Found ${describe(error)}, expected SysError ${code}`);
  }
  throw new Error(`Found ${JSON.stringify(result)}, expected SysError ${code}`);
}

/** Calls a binding the way untyped code could. */
export function callUntyped(binding: Binding, args: readonly unknown[]): unknown {
  const call: unknown = Reflect.get(sys, binding);
  if (typeof call !== "function") throw new Error(`${binding} is no function`);
  return Reflect.apply(call, undefined, args);
}

export function throwsNamed(name: "TypeError" | "RangeError", run: () => unknown): void {
  let result: unknown;
  try {
    result = run();
  } catch (error) {
    if (error instanceof Error && error.name === name) return;
    throw new Error(`Found ${describe(error)}, expected ${name}`);
  }
  throw new Error(`Found ${JSON.stringify(result)}, expected ${name}`);
}

// ---- surroundings

/** A descriptor that is open in no test. */
export const BAD_FD = 9999;
export const ABSENT = "/nonexistent/file";

const scratch = `/tmp/urunc-engine-tests-${sys.getpid()}`;

/** A path in the folder that is deleted after the run. */
export function scratchPath(name: string): string {
  return `${scratch}/${name}`;
}

export function withFd<Result>(fd: number, use: (fd: number) => Result): Result {
  try {
    return use(fd);
  } finally {
    sys.close(fd);
  }
}

const O_RDWR_CREAT_TRUNC = 2 | 0o100 | 0o1000;

/** A new file in the scratch folder, open for reading and writing at its start. */
export function withFile<Result>(name: string, content: string, use: (fd: number, path: string) => Result): Result {
  const path = scratchPath(name);
  return withFd(sys.open(path, O_RDWR_CREAT_TRUNC, 0o600), (fd) => {
    sys.writeText(fd, content);
    sys.lseek(fd, 0, 0);
    return use(fd, path);
  });
}

export function readFile(path: string): string {
  return withFd(sys.open(path, 0), (fd) => sys.readText(fd, 1 << 20));
}

function removeTree(path: string): void {
  const isDirectory = (sys.fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW).mode & S_IFMT) === S_IFDIR;
  if (isDirectory) for (const name of withFd(sys.open(path, 0), sys.readdir)) removeTree(`${path}/${name}`);
  sys.unlinkat(AT_FDCWD, path, isDirectory ? AT_REMOVEDIR : 0);
}

/** Runs the function in a child process, in new namespaces as the flags say; what fails there fails here. */
export function inChild(flags: number, run: () => void): void {
  const [reader, writer] = sys.pipe();
  const child = sys.clone3(flags);
  if (child.pid === 0) {
    try {
      run();
      sys.exit(0);
    } catch (error) {
      sys.writeText(writer, describe(error).slice(0, 4000));
      sys.exit(1);
    }
  }
  sys.close(writer);
  sys.close(child.pidfd);
  const problem = withFd(reader, (fd) => sys.readText(fd, 1 << 16));
  const end = sys.waitpid(child.pid, 0);
  if (end?.code !== 0) throw new Error(`In the child: ${problem === "" ? JSON.stringify(end) : problem}`);
}
