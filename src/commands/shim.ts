import { RuntimeFailure } from "../failure.ts";
import { AT_FDCWD } from "../sys/constants.ts";
import { exists, readlinkat } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { environ, execve, getenv } from "../sys/process.ts";

const RUNC_SHIM = "containerd-shim-runc-v2";
/** Where `runc` is another name of this program, relative to the directory it is installed in. */
const RUNC_DIRECTORY = "../libexec/urunc";

/**
 * `containerd-shim-urunc-v2`: containerd's own runc shim with a PATH in which `runc` is urunc. The shim calls `runc`
 * when the container's options name no other binary; urunc passes over itself when it looks for the real one.
 */
export function runShim(argv: readonly string[]): never {
  const program = readlinkat(AT_FDCWD, "/proc/self/exe");
  const directory = `${program.slice(0, program.lastIndexOf("/"))}/${RUNC_DIRECTORY}`;
  if (!exists(`${directory}/runc`)) {
    throw new RuntimeFailure("shim", `${directory}/runc is missing: install urunc with script/install`, {
      kind: "system",
    });
  }
  const shim = findInPath(RUNC_SHIM);
  if (shim === undefined) {
    throw new RuntimeFailure("shim", `${RUNC_SHIM} is not in PATH: it comes with containerd`, { kind: "system" });
  }
  const path = `PATH=${directory}:${getenv("PATH") ?? ""}`;
  const rest = environ().filter((entry) => !entry.startsWith("PATH="));
  execve(shim, [shim, ...argv.slice(1)], [...rest, path]);
}
