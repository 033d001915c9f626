import type { Problem } from "../failure.ts";
import type { MonitorKind } from "../monitors/kinds.ts";
import type { Monitor, MonitorInput } from "../monitors/monitor.ts";
import { isUtf8 } from "../text-size.ts";
import { shellWord } from "./quote.ts";

/** A finding for a word of the guest that is no UTF-8, where the monitor takes no other. */
export function refuseBytes(kind: MonitorKind, monitor: Monitor, launch: MonitorInput): readonly Problem[] {
  if (monitor.unicodeOnly !== true) return [];
  const { args, env } = launch.application;
  const word = [...args, ...env, launch.guest.commandLine].find((one) => !isUtf8(one));
  if (word === undefined) return [];
  const message = `${kind}: ${shellWord(word)} is no UTF-8, and the monitor takes nothing else: change process.args or process.env`;
  return [{ code: "guest-argument", message }];
}
