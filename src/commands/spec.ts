import type { Invocation } from "../cli/command.ts";
import { RuntimeFailure } from "../failure.ts";
import { defaultSpec } from "../oci/default-spec.ts";
import { O_CREAT, O_EXCL, O_WRONLY } from "../sys/constants.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, open, writeAll } from "../sys/file.ts";
import { bundleOption } from "./create-options.ts";

/** `spec`: a config.json to start from; one that exists is never overwritten. */
export function run(invocation: Invocation): number {
  const path = `${bundleOption(invocation)}/config.json`;
  let fd: number;
  try {
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644);
  } catch (error) {
    if (isSysError(error, "EEXIST")) {
      throw new RuntimeFailure("exists", `File ${path} exists: remove it or give another --bundle`);
    }
    throw new RuntimeFailure("spec", `Write config.json: ${messageOf(error)}: give a directory with --bundle`, {
      cause: error,
    });
  }
  writeAll(fd, `${JSON.stringify(defaultSpec(), undefined, 2)}\n`);
  close(fd);
  return 0;
}
