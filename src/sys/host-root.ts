import { readTextFile } from "./file.ts";
import { geteuid } from "./process.ts";

/** Whether this process has the rights of the host's root: root of a user namespace has the name only. */
export function isHostRoot(): boolean {
  return geteuid() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(readTextFile("/proc/self/uid_map", 65536));
}
