import { RuntimeFailure } from "../failure.ts";
import { isHostRoot } from "../sys/host-root.ts";
import { getenv, geteuid } from "../sys/process.ts";

const SYSTEM = "/run";

/**
 * Where the directories `urunc` and `runc` with the containers' state lie when nobody gives a root: below
 * XDG_RUNTIME_DIR for whoever is not the host's root, as with runc.
 */
export function runtimeDirectory(): string {
  const own = getenv("XDG_RUNTIME_DIR") ?? "";
  if (!own.startsWith("/")) return SYSTEM;
  return isHostRoot() ? SYSTEM : own.replace(/\/+$/, "");
}

export function defaultRoot(): string {
  const directory = runtimeDirectory();
  if (directory === SYSTEM && geteuid() !== 0) {
    const message = "XDG_RUNTIME_DIR is not set: set it, or give a directory with --root";
    throw new RuntimeFailure("rootless", message);
  }
  return `${directory}/urunc`;
}

/** Where monitors' answers to `--version` are kept: beside every usual root, so that no container's id is its name. */
export function versionAnswersDirectory(): string {
  return `${runtimeDirectory()}/urunc-versions`;
}
