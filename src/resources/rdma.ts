import type { Resources } from "../oci/resources.ts";
import type { Setting } from "./setting.ts";

/** The same file in cgroup v1 and v2. */
export function rdmaSettings(rdma: Resources["rdma"]): readonly Setting[] {
  return Object.entries(rdma ?? {}).flatMap(([device, { hcaHandles, hcaObjects }]) => {
    const limits = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
    ];
    return limits.length === 0
      ? []
      : [{ controller: "rdma", file: "rdma.max", value: `${device} ${limits.join(" ")}` }];
  });
}
