import { applyLimits, isV1 } from "../cgroups/limits.ts";
import { setUnitProperties } from "../cgroups/systemd.ts";
import type { Invocation, Options } from "../cli/command.ts";
import { usage } from "../cli/parse.ts";
import { cgroupOf } from "../container/cgroup.ts";
import { lockContainer } from "../container/lookup.ts";
import { becomeRunc } from "../container/runc.ts";
import { statusOf } from "../container/status.ts";
import { failureOf, RuntimeFailure } from "../failure.ts";
import { withOverhead } from "../plan/decide-cgroup.ts";
import { limitProperties } from "../resources/scope.ts";
import { parseUpdate, resourcesOfOptions } from "../resources/update.ts";
import { messageOf } from "../sys/errors.ts";
import { readWhole } from "../sys/file.ts";
import { readRegularFile } from "../sys/regular-file.ts";

const STDIN = 0;
const RESOURCES_LIMIT = 8 << 20;

/** `update`: changes limits of the container's cgroup; what is found wrong before the first is written changes nothing. */
export function run({ global, options, args, argv }: Invocation): number {
  const found = lockContainer(global, args[0] ?? "");
  if (found === "runc") return becomeRunc(argv);
  const { directory, record } = found;
  const step = `cannot update container ${record.id}`;
  if (statusOf(record) === "stopped") throw new RuntimeFailure("status", "container not running");
  const { place, guestMemory, bundleLimit, overhead } = cgroupOf(directory.path, step);
  const { source, value } = readInput(options);
  const update = parseUpdate(value, source, guestMemory, bundleLimit);
  if (!update.ok) throw failureOf(step, update.problems);
  const resources = {
    ...update.value,
    ...(update.value.memory && { memory: withOverhead(update.value.memory, overhead) }),
  };
  applyLimits(place, resources);
  if (place.unit !== undefined) setUnitProperties(place.unit, limitProperties(resources, isV1(place)));
  return 0;
}

/** A file wins over the other options, as in runc. */
function readInput(options: Options): { readonly source: string; readonly value: unknown } {
  for (const name of ["l3-cache-schema", "mem-bw-schema"]) {
    if (options.text(name) !== undefined) throw usage(`option --${name}: Intel RDT is not supported`);
  }
  const file = options.text("resources");
  if (file === undefined) return { source: "options", value: resourcesOfOptions(options.text) };
  const source = file === "-" ? "stdin" : file;
  const text = file === "-" ? readWhole(STDIN, RESOURCES_LIMIT, source) : readRegularFile(file, RESOURCES_LIMIT);
  try {
    return { source, value: JSON.parse(text) };
  } catch (error) {
    throw new RuntimeFailure("invalid-resources", `Parse ${source}: ${messageOf(error)}`, { cause: error });
  }
}
