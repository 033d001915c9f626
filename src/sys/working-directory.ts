import { getcwd } from "./process.ts";

/** A path as the caller of the program means it: relative ones from the working directory. */
export function absolutePath(path: string): string {
  if (path.startsWith("/")) return path;
  const directory = getcwd();
  if (path === "" || path === ".") return directory;
  return `${directory === "/" ? "" : directory}/${path}`;
}
