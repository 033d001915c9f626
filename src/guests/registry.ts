import type { Guest } from "./guest.ts";
import type { GuestKind } from "./kinds.ts";
import { linux } from "./linux.ts";
import { mirage } from "./mirage.ts";
import { rumprun } from "./rumprun.ts";
import { unikraft } from "./unikraft.ts";

/** Every guest kind; the compiler names the one that is missing. */
export const GUESTS = { unikraft, mirage, rumprun, linux } satisfies Readonly<Record<GuestKind, Guest>>;
