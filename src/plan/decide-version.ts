/** Whether the monitor is new enough, as far as it is known. An unknown version stands against nothing. */
import type { Monitor } from "../monitors/monitor.ts";
import { MONITORS } from "../monitors/registry.ts";
import { type NeededVersion, readVersion } from "../monitors/versions.ts";
import { isBefore, type Version, versionText } from "../version-number.ts";
import type { PlanInput, Planning } from "./plan-input.ts";

/** The monitor's version; undefined when nothing depends on it, or it is not known. */
export function monitorVersion({ metadata, facts }: PlanInput): Version | undefined {
  const { versions }: Monitor = MONITORS[metadata.monitor];
  const answer = facts.monitorBinary?.versionAnswer;
  return versions === undefined || answer === undefined ? undefined : readVersion(answer, versions.answer);
}

/** Refuses what is too old for any guest. */
export function decideVersion(planning: Planning): void {
  const { monitor, facts, metadata, version, warnings } = planning;
  const program = facts.monitorBinary;
  if (monitor.versions !== undefined && program?.versionAnswer !== undefined && version === undefined) {
    const what = `${metadata.monitor}: ${program.path} --version does not tell its version`;
    warnings.push(`${what}: it is taken for a current one`);
  }
  refuseOlder(planning, monitor.versions === undefined ? [] : [monitor.versions.oldest]);
}

/** Adds a problem for each thing that the monitor is too old for. */
export function refuseOlder(planning: Planning, needed: readonly NeededVersion[]): void {
  const { version, facts, metadata, problems } = planning;
  if (version === undefined) return;
  for (const { since, what } of needed) {
    if (!isBefore(version, since)) continue;
    const found = `${facts.monitorBinary?.path ?? ""} is version ${versionText(version)}`;
    const advice = `install it or set monitors.${metadata.monitor}.path in the configuration file`;
    const message = `${metadata.monitor}: ${found}, ${versionText(since)} or newer is needed for ${what}: ${advice}`;
    problems.push({ code: "old-monitor", message });
  }
}
