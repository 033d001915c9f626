import type { Configuration } from "../config/configuration.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";

import { WARNINGS_KEY } from "./kept-warnings.ts";

const OWN_PREFIX = "com.urunc.unikernel.";

/**
 * The annotations of a container's state: the unikernel's as they were understood, the monitor's configuration as it
 * was at `create`, and the spec's others. The spec's own entries with our prefix are left out, so that a raw value
 * never stands for a decoded one.
 */
export function recordAnnotations(
  spec: Readonly<Record<string, string>>,
  metadata: UnikernelMetadata,
  configuration: Configuration,
): Readonly<Record<string, string>> {
  const monitor = configuration.monitors[metadata.monitor];
  const prefix = `urunc_config.monitors.${metadata.monitor}`;
  const others = Object.entries(spec).filter(([key]) => !key.startsWith(OWN_PREFIX) && key !== WARNINGS_KEY);
  return {
    ...Object.fromEntries(others),
    [`${prefix}.default_memory_mb`]: String(monitor.defaultMemoryMb),
    [`${prefix}.default_vcpus`]: String(monitor.defaultVcpus),
    [`${prefix}.binary_path`]: monitor.path,
    [`${prefix}.data_path`]: monitor.dataPath,
    [`${prefix}.vhost`]: String(monitor.vhost),
    ...metadata.annotations,
  };
}
