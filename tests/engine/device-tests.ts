import * as sys from "urunc:sys";
import { AT_FDCWD, AT_REMOVEDIR, O_DIRECTORY } from "../../src/sys/constants.ts";
import { isCloexec } from "./file-tests.ts";
import { BAD_FD, check, equal, inChild, sysError, type Test, test, throwsNamed, withFd } from "./harness.ts";

const SCMP_ACT_ALLOW = 0x7fff0000;
const SCMP_ACT_KILL_PROCESS = 0x80000000;
const EPERM_ACTION = 0x00050000 | 1;
const BPF_RETURN = 6;

function hasKvm(): boolean {
  try {
    sys.access("/dev/kvm", 6);
    return true;
  } catch {
    return false;
  }
}

/** Whether a file is there, or can be opened. */
function isThere(path: string, open = false): boolean {
  try {
    if (open) sys.close(sys.open(path, 0));
    else sys.access(path, 0);
    return true;
  } catch {
    return false;
  }
}

export const deviceTests: readonly Test[] = [
  test(["kvmApiVersion", "kvmCreateVm"], "KVM tells its version and makes a machine, where there is one", () => {
    if (hasKvm()) {
      withFd(sys.open("/dev/kvm", 2), (kvm) => {
        equal(sys.kvmApiVersion(kvm), 12);
        withFd(sys.kvmCreateVm(kvm), (machine) => check(isCloexec(machine), "close-on-exec"));
      });
    }
    sysError("EBADF", () => sys.kvmApiVersion(BAD_FD));
    sysError("EBADF", () => sys.kvmCreateVm(BAD_FD));
    withFd(sys.open("/dev/null", 0), (fd) => {
      sysError("ENOTTY", () => sys.kvmApiVersion(fd));
      sysError("ENOTTY", () => sys.kvmCreateVm(fd));
    });
  }),

  test(
    ["bpfLoadCgroupDevice", "bpfAttachCgroupDevice"],
    "a device program decides what the processes of a cgroup may open",
    () => {
      const root = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((path) => isThere(`${path}/cgroup.procs`));
      // r0 = 0; exit: nothing is allowed.
      const denyAll = new Uint8Array([0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]).buffer;
      if (root !== undefined && sys.geteuid() === 0) {
        const directory = `${root}/engine-test-${sys.getpid()}`;
        sys.mkdirat(AT_FDCWD, directory, 0o755);
        try {
          withFd(sys.open(directory, O_DIRECTORY), (cgroup) => {
            withFd(sys.bpfLoadCgroupDevice(denyAll), (program) => {
              check(isCloexec(program), "close-on-exec");
              sys.bpfAttachCgroupDevice(cgroup, program);
            });
            const child = sys.clone3(0, cgroup);
            if (child.pid === 0) sys.exit(isThere("/dev/null", true) ? 1 : 0);
            sys.close(child.pidfd);
            equal(sys.waitpid(child.pid, 0)?.code, 0);
          });
          check(isThere("/dev/null", true), "others may open it");
        } finally {
          sys.unlinkat(AT_FDCWD, directory, AT_REMOVEDIR);
        }
      }
      throwsNamed("RangeError", () => sys.bpfLoadCgroupDevice(new ArrayBuffer(7)));
      throwsNamed("RangeError", () => sys.bpfLoadCgroupDevice(new ArrayBuffer(0)));
      sysError("EBADF", () => sys.bpfAttachCgroupDevice(BAD_FD, BAD_FD));
    },
  ),
  test(["loopFlags", "setLoopFlags"], "a device that is no loop device has no flags", () => {
    sysError("EBADF", () => sys.loopFlags(BAD_FD));
    sysError("EBADF", () => sys.setLoopFlags(BAD_FD, 0));
    withFd(sys.open("/dev/null", 0), (fd) => {
      sysError("ENOTTY", () => sys.loopFlags(fd));
      sysError("ENOTTY", () => sys.setLoopFlags(fd, 0));
    });
  }),

  test("seccompCompile", "a filter is compiled to whole instructions that end in a return", () => {
    const program = sys.seccompCompile({
      defaultAction: SCMP_ACT_KILL_PROCESS,
      rules: [{ action: SCMP_ACT_ALLOW, syscalls: ["read", "write", "exit_group"] }],
    });
    check(program.byteLength > 0 && program.byteLength % 8 === 0, "whole instructions");
    equal(new DataView(program).getUint16(program.byteLength - 8, true) & 7, BPF_RETURN);
  }),

  test("seccompCompile", "an unknown name is an error or left out, as asked", () => {
    const rules = [{ action: SCMP_ACT_ALLOW, syscalls: ["no_such_call", "read"] }];
    const error = sysError("EINVAL", () => sys.seccompCompile({ defaultAction: SCMP_ACT_KILL_PROCESS, rules }));
    equal([error.syscall, error.path], ["seccomp_syscall_resolve_name", "no_such_call"]);
    const without = sys.seccompCompile({ defaultAction: SCMP_ACT_KILL_PROCESS, rules, ignoreUnknown: true });
    check(without.byteLength > 0, "compiled");
    sysError("EINVAL", () =>
      sys.seccompCompile({ defaultAction: SCMP_ACT_ALLOW, rules: [{ action: 12345, syscalls: ["read"] }] }),
    );
  }),

  test("seccompLoad", "a loaded filter refuses what it names and nothing else", () => {
    inChild(0, () => {
      const program = sys.seccompCompile({
        defaultAction: SCMP_ACT_ALLOW,
        rules: [{ action: EPERM_ACTION, syscalls: ["sethostname", "mkdir", "mkdirat"] }],
      });
      sys.prctl(38, 1, 0, 0, 0);
      sys.seccompLoad(program, 0);
      sysError("EPERM", () => sys.mkdirat(-100, "/tmp", 0o700));
      sysError("EPERM", () => sys.sethostname("x"));
      sys.getcwd();
    });
  }),

  test(["seccompCompile", "seccompLoad"], "a rule looks at the arguments it names", () => {
    inChild(0, () => {
      const conditions = [
        { argument: 0, mask: 0xffffffff, value: 29 },
        { argument: 2, mask: 0xff, value: 7 },
      ];
      const program = sys.seccompCompile({
        defaultAction: SCMP_ACT_ALLOW,
        rules: [{ action: EPERM_ACTION, syscalls: ["prctl"], conditions }],
      });
      sys.prctl(38, 1, 0, 0, 0);
      sys.seccompLoad(program, 0);
      sysError("EPERM", () => sys.prctl(29, 50_000, 0x107, 0, 0));
      sysError("EINVAL", () => sys.prctl(38, 1, 0x107, 0, 0));
      equal(sys.prctl(29, 50_000, 8, 0, 0), 0);
    });
  }),

  test("seccompCompile", "conditions that are none are refused", () => {
    const compile = (conditions: readonly { argument: number; mask: number; value: number }[]) => () =>
      sys.seccompCompile({
        defaultAction: SCMP_ACT_ALLOW,
        rules: [{ action: EPERM_ACTION, syscalls: ["prctl"], conditions }],
      });
    throwsNamed("RangeError", compile([{ argument: 6, mask: 1, value: 1 }]));
    throwsNamed("RangeError", compile([{ argument: 0, mask: -1, value: 1 }]));
    throwsNamed("RangeError", compile(new Array(7).fill({ argument: 0, mask: 1, value: 1 })));
    // libseccomp compares an argument once a rule.
    const twice = [1, 2].map((value) => ({ argument: 0, mask: 1, value }));
    sysError("EINVAL", compile(twice));
  }),

  test("seccompLoad", "a filter that kills does so", () => {
    const child = sys.clone3(0);
    if (child.pid === 0) {
      sys.prctl(38, 1, 0, 0, 0);
      sys.prctl(4, 0, 0, 0, 0);
      const rules = [{ action: SCMP_ACT_KILL_PROCESS, syscalls: ["uname"] }];
      sys.seccompLoad(sys.seccompCompile({ defaultAction: SCMP_ACT_ALLOW, rules }), 0);
      sys.machine();
      sys.exit(0);
    }
    sys.close(child.pidfd);
    equal(sys.waitpid(child.pid, 0), { pid: child.pid, signal: 31 });
  }),

  test("seccompLoad", "a program the kernel does not accept is an error", () => {
    inChild(0, () => {
      sys.prctl(38, 1, 0, 0, 0);
      sysError("EINVAL", () => sys.seccompLoad(new Uint8Array(8).fill(0xff).buffer, 0));
      sysError("EINVAL", () => sys.seccompLoad(new ArrayBuffer(8), 0x100));
    });
  }),
];
