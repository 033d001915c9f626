import type { MonitorKind } from "../monitors/kinds.ts";

export type AcceleratorChoice = "auto" | "kvm" | "tcg";

/** `[monitors.<name>]` (REFERENCE §10). */
export interface MonitorConfiguration {
  /** MiB. */
  readonly defaultMemoryMb: number;
  readonly defaultVcpus: number;
  /** Absolute path of the program; empty: looked up in PATH. */
  readonly path: string;
  /** qemu only: parent of the `qemu` and `seabios` data directories. */
  readonly dataPath: string;
  readonly vhost: boolean;
  /** qemu only. */
  readonly accel: AcceleratorChoice;
}

/** The configuration file /etc/urunc/config.toml, complete with its defaults. */
export interface Configuration {
  readonly log: { readonly level: string; readonly syslog: boolean };
  readonly timestamps: { readonly enabled: boolean; readonly destination: string };
  readonly monitors: Readonly<Record<MonitorKind, MonitorConfiguration>>;
}
