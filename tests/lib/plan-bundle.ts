/** The pure way from a bundle's texts to its plan, as the commands go it, for tests. */
import { DEFAULT_CONFIGURATION } from "../../src/config/defaults.ts";
import { parseConfiguration } from "../../src/config/parse-configuration.ts";
import type { Problem } from "../../src/failure.ts";
import type { GuestAddress } from "../../src/guests/network.ts";
import type { KernelFile } from "../../src/kernel/kernel-file.ts";
import { readMetadata } from "../../src/oci/annotations.ts";
import { parseSpec } from "../../src/oci/parse-spec.ts";
import { factQuery } from "../../src/plan/fact-query.ts";
import type { HostFacts, MountFact } from "../../src/plan/host-facts.ts";
import type { LaunchPlan } from "../../src/plan/launch-plan.ts";
import { makePlan } from "../../src/plan/make-plan.ts";
import type { PlanNetwork } from "../../src/plan/plan-input.ts";
import { KERNELS } from "./kernels.ts";

export type Outcome =
  | { readonly runtime: "runc"; readonly warnings: readonly string[] }
  | { readonly runtime: "urunc"; readonly plan: LaunchPlan; readonly warnings: readonly string[] }
  | { readonly problems: readonly Problem[] };

export interface BundleTexts {
  readonly config: unknown;
  readonly uruncJson?: string | undefined;
  readonly toml?: string | undefined;
  readonly facts: HostFacts;
  readonly bundle: string;
  readonly networks?: readonly PlanNetwork[];
}

export function planOf(texts: BundleTexts): Outcome {
  const spec = parseSpec(texts.config);
  if (!spec.ok) return { problems: spec.problems };
  const found = readMetadata(spec.value.annotations, texts.uruncJson);
  if (found.kind === "not-unikernel") return { runtime: "runc", warnings: found.warnings };
  if (found.kind === "invalid") return { problems: found.problems };
  const configuration =
    texts.toml === undefined
      ? { ok: true as const, value: DEFAULT_CONFIGURATION, warnings: [] }
      : parseConfiguration(texts.toml, "/etc/urunc/config.toml");
  if (!configuration.ok) return { problems: configuration.problems };
  const { metadata } = found;
  const input = { id: "c1", spec: spec.value, metadata, configuration: configuration.value, bundle: texts.bundle };
  factQuery(input, texts.facts.arch);
  const plan = makePlan({
    ...input,
    facts: texts.facts,
    networks: texts.networks ?? [],
  });
  if (!plan.ok) return { problems: plan.problems };
  const warnings = [...spec.warnings, ...found.warnings, ...configuration.warnings, ...plan.warnings];
  return { runtime: "urunc", plan: plan.value, warnings };
}

/**
 * Facts of one host; `kernel` is the short name (tests/lib/kernels.ts) of what files named kernel or vmlinuz are; members of `own` replace those of
 * `common`, `null` takes one away.
 */
export function decodeFacts(common: unknown, own: unknown): HostFacts {
  const merged: Record<string, unknown> = { ...objectOf(common), ...objectOf(own) };
  const { kvmProblem, cpuVendor, socketProblem } = merged;
  const kernel = KERNELS[String(merged["kernel"])];
  const binary = merged["monitorBinary"] === null ? undefined : objectOf(merged["monitorBinary"]);
  return {
    arch: String(merged["arch"]),
    ...(binary === undefined
      ? {}
      : {
          monitorBinary: {
            path: String(binary["path"]),
            dynamic: binary["dynamic"] === true,
            ...(typeof binary["versionAnswer"] === "string" ? { versionAnswer: binary["versionAnswer"] } : {}),
          },
        }),
    ...(typeof kvmProblem === "string" ? { kvmProblem } : {}),
    ...(cpuVendor === "amd" || cpuVendor === "intel" ? { cpuVendor } : {}),
    ...(typeof socketProblem === "string" ? { socketProblem } : {}),
    existing: textsOf(merged["existing"]),
    libraryLinks: Object.fromEntries(
      Object.entries(objectOf(merged["libraryLinks"])).map(([path, target]) => [path, String(target)]),
    ),
    devices: textsOf(merged["devices"]),
    imageFiles: fileFacts(merged["imageFiles"], kernel),
    hostFiles: fileFacts(merged["hostFiles"], kernel),
    ...(merged["rootfsMount"] === undefined ? {} : { rootfsMount: mountFact(merged["rootfsMount"]) }),
    ...(merged["volumes"] === undefined ? {} : { volumes: mountFacts(merged["volumes"]) }),
    ...(merged["virtiofsd"] === undefined ? {} : { virtiofsd: { path: String(merged["virtiofsd"]), dynamic: true } }),
    ...(typeof merged["guestInit"] === "string" ? { guestInit: merged["guestInit"] } : {}),
  };
}

function mountFacts(facts: unknown): Readonly<Record<string, MountFact>> {
  return Object.fromEntries(Object.entries(objectOf(facts)).map(([path, fact]) => [path, mountFact(fact)]));
}

function mountFact(fact: unknown): MountFact {
  const { reason, source, device, mountPoint, fsType, options, superOptions } = { ...EMPTY_MOUNT, ...objectOf(fact) };
  if (reason !== undefined) return { reason: String(reason) };
  const [a, b, c] = [String(source), String(device), String(mountPoint)];
  const mount = { source: a, device: b, mountPoint: c, fsType: String(fsType) };
  return { mount: { ...mount, options: String(options), superOptions: String(superOptions) } };
}

const EMPTY_MOUNT: Readonly<Record<string, unknown>> = {
  reason: undefined,
  source: "",
  device: "",
  mountPoint: "",
  fsType: "",
  options: "rw,relatime",
  superOptions: "rw",
};

function fileFacts(facts: unknown, kernel: KernelFile | undefined): HostFacts["imageFiles"] {
  return Object.fromEntries(
    Object.entries(objectOf(facts)).map(([path, fact]) => {
      const { size, reason } = { size: undefined, reason: undefined, ...objectOf(fact) };
      if (typeof size !== "number") return [path, { found: false, reason: String(reason) }];
      const isKernel = /\/(kernel|vmlinuz)$/.test(path) && kernel !== undefined;
      return [path, { found: true, size, ...(isKernel ? { kernel } : {}) }];
    }),
  );
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** What `start` finds out about the network: one, or a list of them. */
export function decodeNetworks(json: unknown): readonly PlanNetwork[] {
  return (Array.isArray(json) ? json : [json]).map(decodeNetwork);
}

function decodeNetwork(json: unknown): PlanNetwork {
  const { tap, fd, guest } = { tap: "", fd: 0, guest: {}, ...objectOf(json) };
  const own = { ...objectOf(guest) };
  const ipv4 = addressOf(own["ipv4"]);
  const ipv6 = addressOf(own["ipv6"]);
  return {
    tap: String(tap),
    fd: Number(fd),
    guest: {
      interface: String(own["interface"]),
      mac: String(own["mac"]),
      mtu: Number(own["mtu"]),
      ...(ipv4 === undefined ? {} : { ipv4 }),
      ...(ipv6 === undefined ? {} : { ipv6 }),
      dns: textsOf(own["dns"]),
      search: textsOf(own["search"]),
      ...(own["hostname"] === undefined ? {} : { hostname: String(own["hostname"]) }),
    },
  };
}

function addressOf(json: unknown): GuestAddress | undefined {
  if (json === undefined) return undefined;
  const { address, prefix, gateway } = { ...objectOf(json) };
  return {
    address: String(address),
    prefix: Number(prefix),
    ...(gateway === undefined ? {} : { gateway: String(gateway) }),
  };
}
