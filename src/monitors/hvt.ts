import type { Monitor } from "./monitor.ts";
import { SOLO5 } from "./solo5.ts";

/** Solo5's hardware virtualised tender: a small monitor over KVM. */
export const hvt: Monitor = { ...SOLO5, program: () => "solo5-hvt", accelerators: ["kvm"] };
