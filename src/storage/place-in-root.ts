import { O_CREAT, O_EXCL, O_PATH, O_WRONLY } from "../sys/constants.ts";
import { isSysError } from "../sys/errors.ts";
import { close, mkdirat, openat, openInRoot } from "../sys/file.ts";

/** A path below a root, as a reference only; what is not there is made, as every runtime makes the places of mounts. */
export function openPlace(root: number, path: string, isDirectory: boolean): number {
  try {
    return openInRoot(root, path, O_PATH);
  } catch (error) {
    if (!isSysError(error, "ENOENT")) throw error;
  }
  const cut = path.lastIndexOf("/");
  const parent = cut <= 0 ? openInRoot(root, "/", O_PATH) : openPlace(root, path.slice(0, cut), true);
  try {
    const name = path.slice(cut + 1);
    if (isDirectory) mkdirat(parent, name, 0o755);
    else close(openat(parent, name, O_WRONLY | O_CREAT | O_EXCL, 0o644));
  } finally {
    close(parent);
  }
  return openInRoot(root, path, O_PATH);
}
