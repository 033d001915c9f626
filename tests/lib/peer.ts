// A guest's end of a tap, in the hands of a test: a monitor that only waits has it made and leaves it alone.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { NAMESPACES } from "./bundle.ts";
import { start, until } from "./command.ts";
import { arp } from "./frames.ts";
import { atEnd, scratch } from "./hygiene.ts";
import { solo5File } from "./kernels.ts";
import { writeLightBundle } from "./light-bundle.ts";
import type { NetworkNamespace } from "./network.ts";
import { HELPERS } from "./paths.ts";

export interface Peer {
  readonly mac: string;
  send(frame: string): void;
  /** Frames that came out of the tap so far, in hexadecimal digits. */
  received(): readonly string[];
  /** The MAC address of who has an address. By its answer all that was sent before has been looked at. */
  ask(from: string, address: string): Promise<string>;
}

/** A container whose monitor looks for its tap by name, so that the tap stays and anybody may open it. */
export function tapBundleIn(
  network: NetworkNamespace,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): string {
  const namespaces = NAMESPACES.map((entry) => (entry.type === "network" ? { ...entry, path: network.path } : entry));
  const bundle = writeLightBundle(join(scratch(), name), { linux: { namespaces } }, annotations);
  writeFileSync(join(bundle, "rootfs", "kernel"), solo5File("spt", [{ kind: "net", name: "service" }]));
  return bundle;
}

/** The names of our taps in a namespace. */
export function tapsOf(network: NetworkNamespace): readonly string[] {
  return [...network.inside("ip", "-o", "link", "show").matchAll(/^\d+: (u[0-9a-f]{8}):/gm)].map(
    (match) => match[1] ?? "",
  );
}

/** Opens a tap as its guest would. */
export async function openPeer(network: NetworkNamespace, tap: string, mac = "02:00:00:00:00:77"): Promise<Peer> {
  const running = start(scratch(), [...network.entry, join(HELPERS, "peer"), tap]);
  atEnd(() => void running.child.kill("SIGKILL"));
  await until("the tap is open", () => running.stdout().startsWith("ready\n"));
  const received = () => running.stdout().split("\n").slice(1, -1);
  const send = (frame: string) => running.write(`${frame}\n`);
  return {
    mac,
    send,
    received,
    ask: async (from, address) => {
      const before = received().length;
      send(arp(mac, 1, from, address));
      return until(`somebody has ${address}`, () => {
        const answers = received()
          .slice(before)
          .filter((frame) => frame.slice(24, 28) === "0806" && frame.slice(40, 44) === "0002");
        return answers[0]?.slice(12, 24).replace(/(..)(?!$)/g, "$1:");
      });
    },
  };
}
