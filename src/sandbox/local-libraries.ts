import { append } from "../few.ts";
import { LOCAL_LIBRARIES, standardDirectories } from "../plan/libraries.ts";
import { O_DIRECTORY, O_RDONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { readdir, withFile } from "../sys/file.ts";
import { readElf } from "./elf.ts";

/** Libraries that one file is linked with, and that are followed in all: no program has as many. */
const MOST = 1000;

/**
 * The libraries in /usr/local/lib that programs are linked with. The linker looks there first where its cache has them
 * (Debian's ld.so.conf), and anything else may lie there: languages with all their packages, what an administrator keeps.
 *
 * @returns all libraries directly in it where what the programs need cannot be followed.
 */
export function findLocalLibraries(programs: readonly string[], arch: string): readonly string[] {
  const here = librariesIn(LOCAL_LIBRARIES);
  // So it is on most hosts, and nothing has to be read.
  if (here.length === 0) return [];
  const directories = [LOCAL_LIBRARIES, ...standardDirectories(arch)];
  const needed = new Set<string>();
  const open = [...programs];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const names = neededBy(path);
    if (names === undefined || needed.size > MOST) return here;
    for (const name of names.filter((one) => !needed.has(one))) {
      needed.add(name);
      append(
        open,
        directories.map((directory) => `${directory}/${name}`),
      );
    }
  }
  return here.filter((path) => needed.has(path.slice(LOCAL_LIBRARIES.length + 1)));
}

/** By the names of ld.so(8): `libx.so`, `libx.so.1`. */
function librariesIn(directory: string): readonly string[] {
  try {
    const names = withFile(directory, O_RDONLY | O_DIRECTORY, readdir);
    return names.filter((name) => /\.so(\.|$)/.test(name)).map((name) => `${directory}/${name}`);
  } catch (error) {
    if (isSysError(error)) return [];
    throw error;
  }
}

/** Nothing for what is not there or no library; undefined where it says to look in places of its own. */
function neededBy(path: string): readonly string[] | undefined {
  try {
    const elf = readElf(path, MOST);
    return elf === undefined ? [] : elf.needed;
  } catch (error) {
    if (isSysError(error)) return [];
    throw error;
  }
}
