/** What of the host and of the image is put into the monitor's root. */

import type { Accelerator } from "../monitors/monitor.ts";
import { checkKernel } from "./check-kernel.ts";
import { imageFile } from "./decide.ts";
import type { RootKind } from "./decide-root.ts";
import { COMMON_DEVICES, KVM_DEVICE, wantedDevices } from "./fact-query.ts";
import type { HostProgram } from "./host-facts.ts";
import { BLOCK_TARGET, COPIED_KERNEL_TARGET, INITRD_TARGET, KERNEL_TARGET } from "./image-files.ts";
import type { DeviceNode, HostFile, ImageFile, SymbolicLink } from "./launch-plan.ts";
import { libraries } from "./libraries.ts";
import type { Planning } from "./plan-input.ts";

/** Kernel, initrd and block image, each checked to be a file of the image that is not empty. */
export function decideImageFiles(planning: Planning, root: RootKind): readonly ImageFile[] {
  const { metadata, guest, monitor, spec, problems } = planning;
  const files: ImageFile[] = [];
  if (metadata.boot === undefined) {
    const copy = root === "rootfs-block" ? ({ target: COPIED_KERNEL_TARGET, copied: true } as const) : {};
    const kernel = { source: metadata.binary, target: KERNEL_TARGET, readonly: true, ...copy };
    addImageFile(planning, files, "binary", kernel);
    checkKernel(planning, "binary", metadata.binary, imageFile(planning, metadata.binary));
  }
  if (metadata.initrd !== undefined) {
    refuseUnless(planning, guest.supportsInitrd, metadata.guest, "initrd", "take an initrd");
    refuseUnless(planning, monitor.supportsInitrd, metadata.monitor, "initrd", "attach an initrd");
    addImageFile(planning, files, "initrd", { source: metadata.initrd, target: INITRD_TARGET, readonly: true });
  }
  if (metadata.block !== undefined) {
    refuseUnless(planning, guest.supportsBlock, metadata.guest, "block", "take a block image");
    refuseUnless(planning, monitor.supportsBlock, metadata.monitor, "block", "attach a block image");
    if (spec.root.readonly && !monitor.supportsReadonlyBlock) {
      const message = `root.readonly: ${metadata.monitor} attaches block images for writing only: set it to false`;
      problems.push({ code: "readonly-block", message });
    }
    const file = { source: metadata.block.path, target: BLOCK_TARGET, readonly: spec.root.readonly };
    addImageFile(planning, files, "block", file);
    refuseBrokenSectors(planning, metadata.block.path);
  }
  return files;
}

function refuseBrokenSectors(planning: Planning, path: string): void {
  const { monitor, metadata, problems } = planning;
  const fact = imageFile(planning, path);
  if (monitor.blockUnit === undefined || !fact?.found || fact.size % monitor.blockUnit === 0) return;
  const message = `annotation com.urunc.unikernel.block: ${path} has ${fact.size} bytes: ${metadata.monitor} takes multiples of ${monitor.blockUnit} only: pad the image`;
  problems.push({ code: "block-size", message });
}

function refuseUnless(planning: Planning, able: boolean, who: string, annotation: string, what: string): void {
  if (able) return;
  const message = `annotation com.urunc.unikernel.${annotation}: ${who} cannot ${what}: remove the annotation`;
  planning.problems.push({ code: `no-${annotation}`, message });
}

function addImageFile(planning: Planning, files: ImageFile[], annotation: string, file: ImageFile): void {
  files.push(file);
  const fact = imageFile(planning, file.source);
  const reason =
    fact === undefined ? "it was not looked for" : !fact.found ? fact.reason : fact.size > 0 ? "" : "it is empty";
  if (reason === "") return;
  const message = `annotation com.urunc.unikernel.${annotation}: ${file.source} in the container's rootfs: ${reason}`;
  planning.problems.push({ code: "image-file", message });
}

/**
 * The monitor's program at its own path, its data, and shared libraries if it is linked with any.
 *
 * @param server another program that is to run beside it.
 */
export function decideHostFiles(
  planning: Planning,
  server: HostProgram | undefined,
): {
  readonly binary: string;
  readonly files: readonly HostFile[];
  readonly links: readonly SymbolicLink[];
} {
  const { facts } = planning;
  const program = facts.monitorBinary;
  if (program === undefined) {
    reportMissingProgram(planning);
    return { binary: "", files: [], links: [] };
  }
  const programs = [program, ...(server === undefined ? [] : [server])];
  const isDynamic = programs.some(({ dynamic }) => dynamic);
  const shared = isDynamic ? libraries(facts) : { files: [], links: [] };
  const files = [...shared.files, ...decideData(planning)];
  // A program below a directory that is bound anyway is there already; nothing can be made inside of a bound directory.
  const isBound = (path: string) => files.some((file) => path.startsWith(`${file.target}/`));
  const unbound = programs.map(({ path }) => ({ source: path, target: path })).filter(({ target }) => !isBound(target));
  files.unshift(...unbound);
  return { binary: program.path, files, links: shared.links };
}

function reportMissingProgram(planning: Planning): void {
  const { metadata, monitor, settings, facts, problems } = planning;
  const key = `monitors.${metadata.monitor}.path`;
  const message =
    settings.path === ""
      ? `${metadata.monitor}: ${monitor.program(facts.arch)} is not in PATH: install it or set ${key} in the configuration file`
      : `${metadata.monitor}: ${settings.path} is no program that can be run: install it or change ${key} in the configuration file`;
  problems.push({ code: "no-monitor", message });
}

/** Of the binds with one target the first that exists on the host. */
function decideData(planning: Planning): readonly HostFile[] {
  const { monitor, settings, metadata, facts, problems } = planning;
  const binds = monitor.dataFiles(settings);
  const files: HostFile[] = [];
  for (const target of new Set(binds.map((bind) => bind.target))) {
    const choices = binds.filter((bind) => bind.target === target);
    const chosen = choices.find((bind) => facts.existing.includes(bind.source));
    if (chosen !== undefined) files.push({ source: chosen.source, target });
    else if (!choices.every((bind) => bind.optional)) {
      const places = choices.map((bind) => bind.source).join(" or ");
      const message = `${metadata.monitor}: ${places} is missing on the host: install it or set monitors.${metadata.monitor}.data_path`;
      problems.push({ code: "no-monitor-data", message });
    }
  }
  return files;
}

export function decideDevices(planning: Planning, accelerator: Accelerator): readonly DeviceNode[] {
  const { metadata, configuration, facts, problems } = planning;
  const common = accelerator === "kvm" ? [...COMMON_DEVICES, KVM_DEVICE] : COMMON_DEVICES;
  const devices = [
    ...common.map((path) => ({ path, advice: "the monitor needs it" })),
    ...wantedDevices(metadata, configuration),
  ];
  for (const { path, advice } of devices) {
    const isReported = path === KVM_DEVICE && facts.kvmProblem !== undefined;
    if (isReported || facts.devices.includes(path)) continue;
    problems.push({ code: "no-device", message: `${path} is missing on the host: ${advice}` });
  }
  return devices.map(({ path }) => ({ path }));
}
