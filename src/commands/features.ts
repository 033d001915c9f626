import { versionAnswersDirectory } from "../container/runtime-directory.ts";
import { jsonText } from "../json-text.ts";
import { MONITOR_KINDS } from "../monitors/kinds.ts";
import type { Monitor } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import { readVersion } from "../monitors/versions.ts";
import { type FoundMonitor, featuresDocument } from "../oci/features.ts";
import { honouredOptions } from "../plan/mount-options.ts";
import { versionAnswer } from "../sandbox/version-answers.ts";
import { O_PATH } from "../sys/constants.ts";
import { withFile, writeAll } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { machine } from "../sys/process.ts";
import { VERSION } from "../version.ts";
import { versionText } from "../version-number.ts";

/** `features`: what this runtime can do, with the monitors found in PATH and their versions. */
export function run(): number {
  const arch = machine();
  const monitors = MONITOR_KINDS.flatMap((kind) => {
    const found = find(MONITORS[kind], arch);
    return found === undefined ? [] : [{ kind, ...found }];
  });
  writeAll(1, `${jsonText(featuresDocument({ version: VERSION, monitors, mountOptions: honouredOptions() }), 4)}\n`);
  return 0;
}

function find({ program, versions }: Monitor, arch: string): Omit<FoundMonitor, "kind"> | undefined {
  const path = findInPath(program(arch));
  if (path === undefined || versions === undefined) return path === undefined ? undefined : { path };
  const answer = withFile(path, O_PATH, (fd) => versionAnswer(fd, path, versionAnswersDirectory()));
  const version = readVersion(answer, versions.answer);
  return version === undefined ? { path } : { path, version: versionText(version) };
}
