import { cleanPath } from "../oci/clean-path.ts";
import type { HostFacts } from "./host-facts.ts";
import type { HostFile, SymbolicLink } from "./launch-plan.ts";

/** Where the dynamic linker looks for shared libraries (ld.so(8)), and the linker itself. */
export const LIBRARY_DIRECTORIES: readonly string[] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"];

/** Names libraries in other directories too; a distribution may do without. */
export const LIBRARY_CACHE = "/etc/ld.so.cache";

/**
 * The host's shared libraries for a program that needs them. A directory that is a link to another one listed here, as
 * with merged /usr, stays a link, so that no tree is bound twice.
 */
export function libraries(facts: HostFacts): {
  readonly files: readonly HostFile[];
  readonly links: readonly SymbolicLink[];
} {
  const files: HostFile[] = [];
  const links: SymbolicLink[] = [];
  for (const path of LIBRARY_DIRECTORIES) {
    if (!facts.existing.includes(path)) continue;
    const target = facts.libraryLinks[path];
    if (target !== undefined && isOther(path, target, facts)) links.push({ path, target });
    else files.push({ source: path, target: path });
  }
  if (facts.existing.includes(LIBRARY_CACHE)) files.push({ source: LIBRARY_CACHE, target: LIBRARY_CACHE });
  return { files, links };
}

/** Whether the link leads to another existing library directory that is no link itself. */
function isOther(path: string, target: string, facts: HostFacts): boolean {
  const parent = path.slice(0, path.lastIndexOf("/"));
  const resolved = cleanPath(target.startsWith("/") ? target : `${parent}/${target}`);
  return (
    resolved !== path &&
    LIBRARY_DIRECTORIES.includes(resolved) &&
    facts.existing.includes(resolved) &&
    facts.libraryLinks[resolved] === undefined
  );
}
