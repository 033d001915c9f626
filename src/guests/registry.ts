import { freebsd } from "./freebsd.ts";
import type { Guest } from "./guest.ts";
import { hermit } from "./hermit.ts";
import { includeos } from "./includeos.ts";
import type { GuestKind } from "./kinds.ts";
import { linux } from "./linux.ts";
import { mewz } from "./mewz.ts";
import { mirage } from "./mirage.ts";
import { nanos } from "./nanos.ts";
import { osv } from "./osv.ts";
import { rumprun } from "./rumprun.ts";
import { unikraft } from "./unikraft.ts";

/** Every guest kind; the compiler names the one that is missing. */
export const GUESTS = {
  unikraft,
  mirage,
  rumprun,
  linux,
  mewz,
  hermit,
  includeos,
  nanos,
  osv,
  freebsd,
} satisfies Readonly<Record<GuestKind, Guest>>;
