import type { MonitorKind } from "../monitors/kinds.ts";
import { MONITORS } from "../monitors/registry.ts";
import { featuresDocument } from "../oci/features.ts";
import { writeAll } from "../sys/file.ts";
import { findInPath } from "../sys/path-search.ts";
import { machine } from "../sys/process.ts";
import { VERSION } from "../version.ts";

/** `features`: what this runtime can do, with the monitors found in PATH. */
export function run(): number {
  const arch = machine();
  const monitors = {
    qemu: findInPath(MONITORS.qemu.program(arch)),
    hvt: findInPath(MONITORS.hvt.program(arch)),
    spt: findInPath(MONITORS.spt.program(arch)),
    firecracker: findInPath(MONITORS.firecracker.program(arch)),
    "cloud-hypervisor": findInPath(MONITORS["cloud-hypervisor"].program(arch)),
    "hyperlight-unikraft": findInPath(MONITORS["hyperlight-unikraft"].program(arch)),
    uhyve: findInPath(MONITORS.uhyve.program(arch)),
  } satisfies Record<MonitorKind, string | undefined>;
  writeAll(1, `${JSON.stringify(featuresDocument({ version: VERSION, monitors }), undefined, 4)}\n`);
  return 0;
}
