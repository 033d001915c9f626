import { AT_FDCWD } from "./constants.ts";
import { readlinkat } from "./file.ts";

/** The network namespace this process is in, as the kernel names it: `net:[4026531840]`. */
export function networkNamespaceName(): string {
  return readlinkat(AT_FDCWD, "/proc/self/ns/net");
}
