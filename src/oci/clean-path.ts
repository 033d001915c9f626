/**
 * The shortest path that means the same when there are no symbolic links: no `.`, no empty segment, `..` taken away
 * with the segment before it. An absolute path never climbs above `/`; an empty one becomes `.`.
 */
export function cleanPath(path: string): string {
  const absolute = path.startsWith("/");
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "" || segment === ".") continue;
    if (segment !== "..") segments.push(segment);
    else if (segments.length > 0 && segments.at(-1) !== "..") segments.pop();
    else if (!absolute) segments.push("..");
  }
  const joined = segments.join("/");
  if (absolute) return `/${joined}`;
  return joined === "" ? "." : joined;
}
