import type { Configuration, LogLevel } from "../config/configuration.ts";
import { DEFAULT_CONFIGURATION } from "../config/defaults.ts";
import { failureOf, type Problem, RuntimeFailure } from "../failure.ts";
import { few } from "../few.ts";
import { alsoToSyslog, type Level, type Log } from "../log.ts";
import { annotationsAreComplete, isSandbox, readMetadata } from "../oci/annotations.ts";
import { parseSpec } from "../oci/parse-spec.ts";
import { peekBundle } from "../oci/peek.ts";
import type { Spec } from "../oci/spec.ts";
import { factQuery } from "../plan/fact-query.ts";
import type { LaunchPlan } from "../plan/launch-plan.ts";
import { makePlan } from "../plan/make-plan.ts";
import { containerName, KNATIVE_QUEUE_PROXY } from "../plan/network-settings.ts";
import type { PlanInput } from "../plan/plan-input.ts";
import type { Result } from "../result.ts";
import { gatherFacts } from "../sandbox/host-facts.ts";
import { isSysError, messageOf } from "../sys/errors.ts";
import { close, hasEntry, ifPresent, openDirectory, readWhole } from "../sys/file.ts";
import { getenv, machine } from "../sys/process.ts";
import { openRegularInRoot, readRegularFile, readRegularFileIfPresent } from "../sys/regular-file.ts";
import { recordAnnotations } from "./annotations.ts";
import type { ForeignBundle } from "./foreign-bundle.ts";
import { withWarnings } from "./kept-warnings.ts";
import { versionAnswersDirectory } from "./runtime-directory.ts";

const CONFIGURATION_FILE = "/etc/urunc/config.toml";
const CONFIGURATION_VARIABLE = "URUNC_CONFIG_FILE";
/** Bytes of a config.json. */
export const CONFIG_LIMIT = 8 << 20;
const URUNC_JSON_LIMIT = 1 << 20;
/** What people write is a hundredth of it; the time that the parser takes grows faster than the text. */
const TOML_LIMIT = 1 << 16;

/** Names of the configuration file, which are logrus', to levels of the log. */
const LEVELS: Readonly<Record<LogLevel, Level>> = {
  panic: "error",
  fatal: "error",
  error: "error",
  warn: "warning",
  info: "info",
  debug: "debug",
  trace: "debug",
};

/** A bundle that is a unikernel, with everything decided. */
export interface UnikernelBundle {
  /** Absolute. */
  readonly path: string;
  readonly spec: Spec;
  readonly plan: LaunchPlan;
  /** What the plan was made of: `start` makes it again, with the network. */
  readonly planning: PlanInput;
  readonly warnings: readonly string[];
  /** File that timestamps are appended to; absent: none are taken. */
  readonly timestamps?: string;
  /** What goes into the state and to hooks. */
  readonly annotations: Readonly<Record<string, string>>;
}

/** What `plan` shows besides a plan: the reasons why there is none. */
export type PlannedBundle = Result<UnikernelBundle> | ForeignBundle;

/** A bundle and what it is read for. */
export interface BundleQuestion {
  /** Absolute. */
  readonly path: string;
  /** The container's. */
  readonly id: string;
  /** Configuration file that the caller names. */
  readonly config?: string;
  /** Called once the configuration is known, before anything is warned of; not for a pod's own container. */
  readonly onConfiguration?: (configuration: Configuration) => Promise<void>;
}

/**
 * Reads a bundle and decides everything that can be decided before anything is made.
 *
 * @throws RuntimeFailure with every reason why the container cannot be made.
 */
export async function loadBundle(
  question: BundleQuestion,
  log: Log,
  debug: boolean,
): Promise<UnikernelBundle | ForeignBundle> {
  const onConfiguration = async ({ log: { level, syslog } }: Configuration) => {
    if (!debug) log.setLevel(LEVELS[level]);
    if (syslog) await alsoToSyslog(log, question.id);
  };
  const planned = await planBundle({ ...question, onConfiguration });
  if ("ok" in planned && !planned.ok) throw failureOf(`Bundle ${question.path}`, planned.problems);
  for (const warning of planned.warnings) log.warning(warning);
  return "ok" in planned ? planned.value : planned;
}

/** As {@link loadBundle}, with the reasons as a value. Files that cannot be read are thrown. */
export async function planBundle({ path, id, config: file, onConfiguration }: BundleQuestion): Promise<PlannedBundle> {
  const config = readConfig(path);
  // Who runs the container is decided first: what is no unikernel's is runc's to judge.
  const { annotations: given, others, rootPath } = peekBundle(config);
  if (isSandbox(given)) return { kind: "not-unikernel", warnings: [] };
  const rootfs = absolute(rootPath ?? "rootfs", path);
  const outcome = readMetadata(given, annotationsAreComplete(given) ? undefined : uruncJson(rootfs), others);
  const configuration = await readConfiguration(file);
  if (!configuration.ok) return configuration;
  await onConfiguration?.(configuration.value);
  if (outcome.kind === "not-unikernel") {
    const { warnings: reasons } = outcome;
    if (configuration.value.runtime.ordinary === "refuse") return { ok: false, problems: refusedOrdinary(reasons) };
    const warnings = reasons.length === 0 ? [] : [...reasons, RUN_BY_RUNC];
    return { kind: containerName(given) === KNATIVE_QUEUE_PROXY ? "queue-proxy" : outcome.kind, warnings };
  }
  if (outcome.kind === "invalid") return { ok: false, problems: outcome.problems };
  const spec = parseSpec(config);
  if (!spec.ok) return spec;
  const planning = planningOf(
    { spec: spec.value, metadata: outcome.metadata, configuration: configuration.value, id, bundle: path },
    rootfs,
  );
  const planned = makePlan(planning);
  if (!planned.ok) return planned;
  const all = [...spec.warnings, ...outcome.warnings, ...configuration.warnings, ...planned.warnings];
  const warnings = few(all, "warnings");
  const annotations = withWarnings(
    recordAnnotations(spec.value.annotations, outcome.metadata, configuration.value),
    warnings,
  );
  const timestamps = timestampsOf(configuration.value);
  return {
    ok: true,
    value: {
      path,
      spec: spec.value,
      plan: planned.value,
      planning,
      warnings,
      annotations,
      ...(timestamps === undefined ? {} : { timestamps }),
    },
    warnings,
  };
}

const RUN_BY_RUNC = "runc runs this bundle as an ordinary container, without a virtual machine";

/** Why a bundle that names no unikernel is run by nobody. */
function refusedOrdinary(reasons: readonly string[]): readonly Problem[] {
  const message = `it names no unikernel, and runtime.ordinary of the configuration is "refuse"`;
  return [message, ...reasons].map((reason) => ({ code: "ordinary", message: reason }));
}

function planningOf(known: Omit<PlanInput, "facts" | "networks">, rootfs: string): PlanInput {
  const facts = gatherFacts(factQuery(known, machine()), rootfs, versionAnswersDirectory());
  return { ...known, facts, networks: [] };
}

/** The variable turns them on for one call without a configuration of its own. */
function timestampsOf({ timestamps }: Configuration): string | undefined {
  return timestamps.enabled || getenv("URUNC_TIMESTAMPS") === "1" ? timestamps.destination : undefined;
}

function readConfig(bundle: string): unknown {
  const path = `${bundle}/config.json`;
  let text: string;
  try {
    text = readRegularFile(path, CONFIG_LIMIT);
  } catch (error) {
    throw new RuntimeFailure("bundle", `Read bundle: ${messageOf(error)}: give its directory with --bundle`, {
      cause: error,
    });
  }
  return parseJson(text, path);
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RuntimeFailure("bundle", `Parse ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** /urunc.json of the image, wanted only when the annotations of the spec do not say everything. */
function uruncJson(rootfs: string): string | undefined {
  // Whether a missing root is an error is for runc to say: without metadata the container is runc's.
  const root = ifPresent(() => openDirectory(rootfs));
  if (root === undefined) return undefined;
  try {
    return readInRoot(root, "urunc.json");
  } finally {
    close(root);
  }
}

function readInRoot(root: number, name: string): string | undefined {
  let fd: number | undefined;
  try {
    fd = openRegularInRoot(root, name);
  } catch (error) {
    // A link that leads nowhere was meant to lead to one.
    if (isSysError(error, "ENOENT") && !hasEntry(root, name)) return undefined;
    throw new RuntimeFailure("urunc-json", `Open urunc.json of the image: ${messageOf(error)}`, { cause: error });
  }
  if (fd === undefined) throw new RuntimeFailure("urunc-json", "urunc.json of the image is not a regular file");
  try {
    return readWhole(fd, URUNC_JSON_LIMIT, "urunc.json of the image");
  } finally {
    close(fd);
  }
}

/** The file that the caller names, else URUNC_CONFIG_FILE, else /etc/urunc/config.toml if there is one, else the defaults. */
async function readConfiguration(file: string | undefined): Promise<Result<Configuration>> {
  const ofEnvironment = getenv(CONFIGURATION_VARIABLE) ?? "";
  const named = file ?? (ofEnvironment === "" ? undefined : ofEnvironment);
  const text =
    named === undefined
      ? readRegularFileIfPresent(CONFIGURATION_FILE, TOML_LIMIT)
      : readNamed(named, file === undefined ? CONFIGURATION_VARIABLE : "--config");
  if (text === undefined) return { ok: true, value: DEFAULT_CONFIGURATION, warnings: [] };
  const { parseConfiguration } = await import("../config/parse-configuration.ts");
  return parseConfiguration(text, named ?? CONFIGURATION_FILE);
}

/** A file that somebody names has to be there, also where it would be found without. */
function readNamed(path: string, by: string): string {
  try {
    return readRegularFile(path, TOML_LIMIT);
  } catch (error) {
    if (!isSysError(error) && !(error instanceof RuntimeFailure)) throw error;
    throw new RuntimeFailure("configuration", `Read the configuration that ${by} names: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function absolute(path: string, directory: string): string {
  return path.startsWith("/") ? path : `${directory}/${path}`;
}
