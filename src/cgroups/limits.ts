import { failureOf, RuntimeFailure } from "../failure.ts";
import type { DeviceRule, Resources } from "../oci/resources.ts";
import { type CgroupPlace, directoryOf } from "../resources/cgroup-place.ts";
import { deviceProgram } from "../resources/device-program.ts";
import { deviceRules, type NeededDevice } from "../resources/device-rules.ts";
import type { Setting } from "../resources/setting.ts";
import { v1DeviceSettings } from "../resources/v1-device-settings.ts";
import { v1Settings } from "../resources/v1-settings.ts";
import { v2Settings } from "../resources/v2-settings.ts";
import { allowDevices } from "./devices.ts";
import { type PlacedSetting, writeSettings } from "./write.ts";

/** Applies the limits; devices are not among them. @throws RuntimeFailure `limit`. */
export function applyLimits(place: CgroupPlace, resources: Resources): void {
  if (!isV1(place)) {
    writeSettings(v2Settings(resources).map((setting) => inV2(place, setting)));
    return;
  }
  if (Object.keys(resources.unified ?? {}).length > 0) {
    throw new RuntimeFailure("limit", "linux.resources.unified: this host has cgroup v1: there are no such files");
  }
  writeSettings(v1Settings(resources).map((setting) => inV1(place, setting)));
}

/** Lets the processes of a cgroup open the devices of the bundle's rules and those the monitor needs, and no others. */
export function applyDevices(place: CgroupPlace, resources: Resources, needed: readonly NeededDevice[]): void {
  const rules = deviceRules(resources.devices ?? [], needed);
  if (!isV1(place)) allowDevices(place.v2 ?? "", deviceProgram(rules));
  else writeSettings(v1Devices(rules).map((setting) => inV1(place, setting)));
}

function v1Devices(rules: readonly DeviceRule[]): readonly Setting[] {
  const settings = v1DeviceSettings(rules);
  if (!settings.ok) throw failureOf("Limit devices", settings.problems);
  return settings.value;
}

/** Whether the controllers are cgroup v1's; cgroup v2 may be there besides, without any. */
export function isV1(place: CgroupPlace): boolean {
  return Object.keys(place.v1).length > 0;
}

function inV2(place: CgroupPlace, setting: Setting): PlacedSetting {
  return { ...setting, directory: place.v2 ?? "" };
}

function inV1(place: CgroupPlace, setting: Setting): PlacedSetting {
  const directory = directoryOf(place, setting.controller);
  if (directory !== undefined) return { ...setting, directory };
  const message = `linux.resources: this host has no cgroup controller ${setting.controller} for ${setting.file}`;
  throw new RuntimeFailure("limit", message);
}
