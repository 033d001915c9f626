import { type CgroupPlace, directoryOf } from "../resources/cgroup-place.ts";
import { count, counts, type ReadFile, type Statistics } from "../resources/statistics.ts";
import { v1Statistics } from "../resources/statistics-v1.ts";
import { v2Statistics } from "../resources/statistics-v2.ts";
import { O_DIRECTORY, O_RDONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, open, readdir, readTextFile } from "../sys/file.ts";
import { isV1 } from "./limits.ts";

const TEXT_LIMIT = 1 << 20;

/** The counters of a cgroup as they are now; those that cannot be read are 0 or left out. */
export function readStatistics(place: CgroupPlace): Statistics {
  const read = readerOf(place);
  const pageSizes = pageSizesOf(isV1(place) ? directoryOf(place, "hugetlb") : place.v2);
  return isV1(place) ? v1Statistics(read, pageSizes) : v2Statistics(read, pageSizes);
}

/** How many processes the kernel has killed since the cgroup had no memory left. */
export function countOomKills(place: CgroupPlace): number {
  const read = readerOf(place);
  const text = read("memory", isV1(place) ? "memory.oom_control" : "memory.events");
  return Number(counts(text)["oom_kill"] ?? count(undefined));
}

function readerOf(place: CgroupPlace): ReadFile {
  return (controller, file) => {
    const directory = isV1(place) ? directoryOf(place, controller) : place.v2;
    if (directory === undefined) return undefined;
    try {
      return readTextFile(`${directory}/${file}`, TEXT_LIMIT);
    } catch (error) {
      // The kernel has no such counter, or the cgroup is gone.
      if (isSysError(error)) return undefined;
      throw error;
    }
  };
}

/** Sizes of huge pages, by the names of their files. */
function pageSizesOf(directory: string | undefined): readonly string[] {
  if (directory === undefined) return [];
  try {
    const fd = open(directory, O_RDONLY | O_DIRECTORY);
    try {
      const sizes = readdir(fd).map((name) => /^hugetlb\.(\d+[KMG]B)\./.exec(name)?.[1]);
      return [...new Set(sizes.filter((size) => size !== undefined))].sort();
    } finally {
      close(fd);
    }
  } catch (error) {
    if (isSysError(error)) return [];
    throw error;
  }
}
