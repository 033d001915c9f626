import { cloudHypervisor } from "./cloud-hypervisor.ts";
import { firecracker } from "./firecracker.ts";
import { hvt } from "./hvt.ts";
import { hyperlightUnikraft } from "./hyperlight-unikraft.ts";
import type { MonitorKind } from "./kinds.ts";
import type { Monitor } from "./monitor.ts";
import { qemu } from "./qemu.ts";
import { spt } from "./spt.ts";
import { uhyve } from "./uhyve.ts";

/** Every monitor kind; the compiler names the one that is missing. */
export const MONITORS = {
  qemu,
  hvt,
  spt,
  firecracker,
  "cloud-hypervisor": cloudHypervisor,
  "hyperlight-unikraft": hyperlightUnikraft,
  uhyve,
} satisfies Readonly<Record<MonitorKind, Monitor>>;
