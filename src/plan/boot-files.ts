import type { ContainerBootConfiguration } from "../config/configuration.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";
import { BOOT_DEFAULT } from "../oci/validate-metadata.ts";

/** Files of the host that a container boot takes; empty where the configuration has none. */
export interface BootFiles {
  readonly kernel: string;
  readonly initrd?: string;
  readonly guestInit: string;
}

/** The annotations' paths, with the configuration's in place of `default`; undefined for other guests. */
export function bootFiles(
  { boot }: UnikernelMetadata,
  configuration: ContainerBootConfiguration,
): BootFiles | undefined {
  if (boot === undefined) return undefined;
  const isDefault = boot.kernel === BOOT_DEFAULT;
  const kernel = isDefault ? configuration.kernel : boot.kernel;
  const wanted = boot.initrd ?? (isDefault ? BOOT_DEFAULT : undefined);
  const initrd = wanted === BOOT_DEFAULT ? configuration.initrd : wanted;
  return { kernel, guestInit: configuration.guestInit, ...(initrd === undefined || initrd === "" ? {} : { initrd }) };
}

/** Whether a path of an annotation lies in one of the directories that the configuration allows. */
export function isAllowed(path: string, configuration: ContainerBootConfiguration): boolean {
  const { kernel, initrd, directories } = configuration;
  return path === kernel || path === initrd || directories.some((directory) => path.startsWith(`${directory}/`));
}
