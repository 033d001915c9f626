import type { Log } from "../log.ts";

/** One option of a verb or of the program. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** Name of its value in the help text; absent: a switch, which also takes `=true` and `=false`. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeatable?: boolean;
  /** runc does not know it: never passed on. */
  readonly own?: boolean;
  readonly help: string;
}

/** Parsed options of one verb. */
export interface Options {
  has(name: string): boolean;
  /** Last value given. */
  text(name: string): string | undefined;
}

/** Options before the verb. */
export interface GlobalOptions {
  readonly root: string;
  /** `--root` was given: runc's containers lie below the same directory. */
  readonly rootGiven: boolean;
  readonly debug: boolean;
  /** `--config`, absolute. */
  readonly config?: string;
  /** systemd makes the containers' cgroups. */
  readonly systemdCgroup: boolean;
}

/** What a verb is called with. */
export interface Invocation {
  readonly verb: string;
  readonly global: GlobalOptions;
  readonly options: Options;
  readonly args: readonly string[];
  /** argv as the caller gave it, argv[0] included, without options of ours: what runc gets when the container is its own. */
  readonly argv: readonly string[];
  readonly log: Log;
}

/** A verb: returns the exit status. */
export type Run = (invocation: Invocation) => number | Promise<number>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Positional arguments for the usage line. */
  readonly usage: string;
  readonly description?: string;
  readonly flags: readonly Flag[];
  readonly arguments: { readonly min: number; readonly max: number };
  /** Everything after the first positional argument belongs to another program (`exec`, `ps`). */
  readonly stopsAtArgument?: boolean;
  readonly load: () => Promise<{ readonly run: Run }>;
}
