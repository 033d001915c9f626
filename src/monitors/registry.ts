import { hvt } from "./hvt.ts";
import type { MonitorKind } from "./kinds.ts";
import type { Monitor } from "./monitor.ts";
import { qemu } from "./qemu.ts";
import { spt } from "./spt.ts";

/** Every monitor kind; the compiler names the one that is missing. */
export const MONITORS = { qemu, hvt, spt } satisfies Readonly<Record<MonitorKind, Monitor>>;
