import { append } from "../few.ts";
import { cleanPath } from "../oci/clean-path.ts";
import type { HostFacts } from "./host-facts.ts";
import type { HostFile, SymbolicLink } from "./launch-plan.ts";

/** What the host's administrator has put there, libraries and others, so that it is never bound as a whole. */
export const LOCAL_LIBRARIES = "/usr/local/lib";

/** Where the dynamic linker looks for shared libraries (ld.so(8)), and the linker itself. */
const DIRECTORIES: readonly string[] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", LOCAL_LIBRARIES];

/** Names libraries in other directories too; a distribution may do without. */
const CACHE = "/etc/ld.so.cache";

/** Directories of distributions that keep the libraries of each architecture apart, as Debian does. */
function multiarch(arch: string): readonly string[] {
  return [`/lib/${arch}-linux-gnu`, `/usr/lib/${arch}-linux-gnu`];
}

/** Where a library by its name is looked for, in this order. */
export function standardDirectories(arch: string): readonly string[] {
  return [...multiarch(arch), ...DIRECTORIES];
}

/** Paths of the host whose existence matters for a dynamic program. */
export function libraryPaths(arch: string): readonly string[] {
  return [...DIRECTORIES, ...multiarch(arch), CACHE];
}

interface Libraries {
  readonly files: readonly HostFile[];
  readonly links: readonly SymbolicLink[];
}

/**
 * The host's shared libraries for a program that needs them: each file where they are known and few, else the
 * directories they lie in.
 */
export function libraries(facts: HostFacts): Libraries {
  const cache = facts.existing.includes(CACHE) ? [same(CACHE)] : [];
  const program = facts.monitorBinary;
  if (program?.libraries !== undefined) return { files: [...program.libraries.map(same), ...cache], links: [] };
  const { files, links } = directories(facts);
  return { files: [...files, ...cache], links };
}

/**
 * A directory that is a link to another one listed here, as with merged /usr, stays a link, so that no tree is bound
 * twice. Where the libraries of the architecture lie apart, only they are bound, and what is in no such directory.
 */
function directories(facts: HostFacts): Libraries {
  const apart = multiarch(facts.arch).filter((path) => facts.existing.includes(path));
  const files: HostFile[] = [];
  const links: SymbolicLink[] = [];
  for (const path of DIRECTORIES) {
    if (!facts.existing.includes(path)) continue;
    if (path === LOCAL_LIBRARIES) {
      append(files, (facts.localLibraries ?? []).map(same));
      continue;
    }
    const target = facts.libraryLinks[path];
    if (target !== undefined && isOther(path, target, facts)) {
      links.push({ path, target });
      continue;
    }
    const own = apart.filter((directory) => directory.startsWith(`${path}/`));
    append(files, (own.length > 0 ? own : [path]).map(same));
  }
  return { files, links };
}

function same(path: string): HostFile {
  return { source: path, target: path };
}

/** Whether the link leads to another existing library directory that is no link itself. */
function isOther(path: string, target: string, facts: HostFacts): boolean {
  const parent = path.slice(0, path.lastIndexOf("/"));
  const resolved = cleanPath(target.startsWith("/") ? target : `${parent}/${target}`);
  return (
    resolved !== path &&
    DIRECTORIES.includes(resolved) &&
    facts.existing.includes(resolved) &&
    facts.libraryLinks[resolved] === undefined
  );
}
