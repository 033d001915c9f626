/** What the spec and the configuration say about the guest's network. Images have no say. */
import { type Configuration, NETWORK_MODES, type NetworkMode } from "../config/configuration.ts";
import type { Problem } from "../failure.ts";
import { ANNOTATION_PREFIX } from "../oci/validate-metadata.ts";

/** A port that is the guest's where it shares its container's address with others. */
export interface GuestPort {
  readonly protocol: "tcp" | "udp";
  readonly port: number;
}

export interface NetworkSettings {
  readonly mode: NetworkMode;
  readonly ports: readonly GuestPort[];
}

/** What holds where nothing is said. */
export const DYNAMIC: NetworkSettings = { mode: "dynamic", ports: [] };

const MODE_ANNOTATION = `${ANNOTATION_PREFIX}networkMode`;
const PORTS_ANNOTATION = `${ANNOTATION_PREFIX}ports`;

/** What containerd's CRI, cri-dockerd and CRI-O call a container within its pod. */
const NAME_ANNOTATIONS = ["io.kubernetes.cri.container-name", "io.kubernetes.container.name"] as const;
/** Knative's name for the container that a service's code is in. */
const KNATIVE_USER_CONTAINER = "user-container";
/** Knative's own container beside it. */
export const KNATIVE_QUEUE_PROXY = "queue-proxy";
const MOST_PORTS = 64;

type Annotations = Readonly<Record<string, string>>;

/** Name of the container within its pod, as the engine's annotations give it. */
export function containerName(annotations: Annotations): string | undefined {
  return NAME_ANNOTATIONS.map((key) => annotations[key]).find((name) => name !== undefined);
}

/** The annotation counts more than Knative's name, and that more than the configuration. */
export function networkSettings(
  annotations: Annotations,
  configuration: Configuration,
  problems: Problem[],
): NetworkSettings {
  const ports = parsePorts(annotations[PORTS_ANNOTATION] ?? "", problems);
  const wanted = annotations[MODE_ANNOTATION] ?? "";
  const mode = NETWORK_MODES.find((one) => one === wanted);
  if (wanted !== "" && mode === undefined) {
    const message = `${MODE_ANNOTATION}: must be one of ${NETWORK_MODES.join(", ")}, not ${wanted.slice(0, 64)}`;
    problems.push({ code: "network-mode", message });
  }
  const isKnative = containerName(annotations) === KNATIVE_USER_CONTAINER;
  return { mode: mode ?? (isKnative ? "static" : configuration.network.mode), ports };
}

/** `8080, 53/udp`: tcp where nothing is said. */
function parsePorts(text: string, problems: Problem[]): readonly GuestPort[] {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  const ports = words.map(parsePort).filter((port) => port !== undefined);
  if (ports.length < words.length || words.length > MOST_PORTS) {
    const message = `${PORTS_ANNOTATION}: must be at most ${MOST_PORTS} ports from 1 to 65535, each with /udp or /tcp after it or nothing, with commas between them`;
    problems.push({ code: "network-ports", message });
  }
  return ports;
}

function parsePort(word: string): GuestPort | undefined {
  const match = /^([1-9]\d{0,4})(?:\/(tcp|udp))?$/.exec(word);
  const port = Number(match?.[1]);
  if (match === null || port > 65535) return undefined;
  return { port, protocol: match[2] === "udp" ? "udp" : "tcp" };
}
