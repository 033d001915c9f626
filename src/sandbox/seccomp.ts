import { RuntimeFailure } from "../failure.ts";
import { type Confined, FILTERS } from "../seccomp/filters.ts";
import type { CallRule } from "../seccomp/rule.ts";
import { messageOf } from "../sys/errors.ts";
import { seccompCompile, seccompLoad } from "../sys/seccomp.ts";

/** SCMP_ACT_* of libseccomp; ENOSYS has the same number on x86-64 and arm64. */
const ALLOW = 0x7fff0000;
const NO_SUCH_CALL = 0x00050000 | 38;

/** Compiled when this program is built (engine/heap.h): at run time they are bytes that the kernel is given. */
const PROGRAMS: Readonly<Record<Confined, ArrayBuffer>> = {
  virtiofsd: compile(FILTERS.virtiofsd),
  qemu: compile(FILTERS.qemu),
  hvt: compile(FILTERS.hvt),
  spt: compile(FILTERS.spt),
  firecracker: compile(FILTERS.firecracker),
  "cloud-hypervisor": compile(FILTERS["cloud-hypervisor"]),
  "hyperlight-unikraft": compile(FILTERS["hyperlight-unikraft"]),
  uhyve: compile(FILTERS.uhyve),
};

function compile(rules: readonly CallRule[]): ArrayBuffer {
  return seccompCompile({
    defaultAction: NO_SUCH_CALL,
    // Of another libseccomp or architecture: what it does not know stays forbidden.
    ignoreUnknown: true,
    rules: rules.map(({ calls, conditions }) => ({
      action: ALLOW,
      syscalls: calls,
      ...(conditions === undefined ? {} : { conditions }),
    })),
  });
}

/** From here on this process may do what that program may, no more. It must have no_new_privs. */
export function confineCalls(program: Confined): void {
  try {
    seccompLoad(PROGRAMS[program], 0);
  } catch (error) {
    const reason = "the kernel has no CONFIG_SECCOMP_FILTER, or a filter around this program denies seccomp(2)";
    const message = `Install the system call filter of ${program}: ${messageOf(error)}: ${reason}`;
    throw new RuntimeFailure("seccomp", message, { kind: "system", cause: error });
  }
}
