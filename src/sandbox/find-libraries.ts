import { append } from "../few.ts";
import { standardDirectories } from "../plan/libraries.ts";
import { isSysError } from "../sys/errors.ts";
import { readElf } from "./elf.ts";

/** More than that and the directories are bound: a mount each would cost more than it hides. */
const MOST = 12;

/** What the program at a path is linked with. */
export interface Linkage {
  /** It names an ELF interpreter. */
  readonly dynamic: boolean;
  /** The linker and every library, those of libraries too; undefined where not all are found, or they are many. */
  readonly libraries?: readonly string[];
}

/** Follows what a program needs as ld.so(8) will, without its cache: a library anywhere else is not found. */
export function findLibraries(program: string, arch: string): Linkage {
  const elf = readElf(program, MOST);
  if (elf?.interpreter === undefined) return { dynamic: false };
  const found = new Map([[baseName(elf.interpreter), elf.interpreter]]);
  const open = [...(elf.needed ?? [])];
  let complete = elf.needed !== undefined;
  for (let name = open.shift(); complete && name !== undefined; name = open.shift()) {
    if (found.has(name)) continue;
    const library = name.includes("/") ? undefined : findLibrary(name, arch);
    complete = library?.needed !== undefined && found.size < MOST;
    if (library !== undefined) found.set(name, library.path);
    append(open, library?.needed ?? []);
  }
  return complete ? { dynamic: true, libraries: [...found.values()] } : { dynamic: true };
}

function findLibrary(name: string, arch: string): { path: string; needed?: readonly string[] } | undefined {
  for (const directory of standardDirectories(arch)) {
    const path = `${directory}/${name}`;
    try {
      const elf = readElf(path, MOST);
      if (elf !== undefined) return { path, ...(elf.needed === undefined ? {} : { needed: elf.needed }) };
    } catch (error) {
      if (!isSysError(error)) throw error;
    }
  }
  return undefined;
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
