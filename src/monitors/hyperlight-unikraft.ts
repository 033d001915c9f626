/** The command `hyperlight-unikraft`: Unikraft kernels made for the Hyperlight monitor (hyperlight-unikraft, host). */
import { lostVariables } from "../guests/environment.ts";
import type { Judgement, Monitor, MonitorInput } from "./monitor.ts";

export const hyperlightUnikraft: Monitor = {
  program: () => "hyperlight-unikraft",
  architectures: ["x86_64"],
  accelerators: ["kvm"],
  unicodeOnly: true,
  memoryUnit: 4096,
  maximumMemory: Number.MAX_SAFE_INTEGER,
  maximumVcpus: 1,
  supportsInitrd: true,
  supportsBlock: false,
  supportsReadonlyBlock: false,
  argv,
  judge,
  dataFiles: () => [],
};

function argv(input: MonitorInput): readonly string[] {
  return [
    input.binary,
    input.kernel,
    ...(input.initrd === undefined ? [] : ["--initrd", input.initrd]),
    "--memory",
    `${input.memory}`,
  ];
}

function judge(input: MonitorInput): Judgement {
  const { args, env } = input.application;
  const lost = args.length > 0 ? ["hyperlight-unikraft: arguments are not passed: the initrd says what runs"] : [];
  const { warnings, remarks } = lostVariables(env, "hyperlight-unikraft: environment variables are not passed");
  return { problems: [], warnings: [...lost, ...warnings], remarks };
}
