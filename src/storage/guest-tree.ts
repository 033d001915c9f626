/** Where a path of the guest leads in a tree of which only the names and the symbolic links are known. */
import { append } from "../few.ts";

/** What there is at a path without a link in it, `a/b/c`. */
export interface GuestTree {
  /** Text of the symbolic link there; undefined for anything else. */
  linkAt(path: string): string | undefined;
  has(path: string): boolean;
}

/** As many as the kernel follows in one path (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * The path with all symbolic links followed that are there; `..` and absolute links stay in the tree.
 *
 * @param path absolute.
 * @returns without a slash at its start; undefined for a loop.
 */
export function followLinks(tree: GuestTree, path: string): string | undefined {
  const todo = path.split("/").reverse();
  const done: string[] = [];
  let links = 0;
  for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
    if (name === "" || name === ".") continue;
    if (name === "..") {
      done.pop();
      continue;
    }
    const link = tree.linkAt([...done, name].join("/"));
    if (link === undefined) {
      done.push(name);
      continue;
    }
    links++;
    if (links > MOST_LINKS) return undefined;
    if (link.startsWith("/")) done.length = 0;
    append(todo, link.split("/").reverse());
  }
  return done.join("/");
}

/** Nothing is known. */
export const NO_TREE: GuestTree = { linkAt: () => undefined, has: () => false };
