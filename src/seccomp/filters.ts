/**
 * The system calls each monitor may make, as seen in runs of it and, where it has a filter of its own, in that. What is
 * not here does not exist for the monitor: it gets ENOSYS, which programs are ready for, since kernels differ.
 * docs/security.md says how to look for what is missing.
 */
import type { MonitorKind } from "../monitors/kinds.ts";
import { COMMON, words } from "./common.ts";
import { type CallRule, INT, withArgument } from "./rule.ts";

/** Second byte of an ioctl request: the kind of device it is for (ioctl(2), _IOC_TYPE). */
const TYPE_MASK = 0xff00;

function ioctlsOfType(type: number): CallRule {
  return { calls: ["ioctl"], conditions: [{ argument: 1, mask: TYPE_MASK, value: type << 8 }] };
}

/** Only with a descriptor of /dev/kvm, of a virtual machine or of a processor of it. */
const KVM = ioctlsOfType(0xae);
/** Of block devices. */
const BLOCK = ioctlsOfType(0x12);
/** Of /dev/vhost-vsock and its like. */
const VHOST = ioctlsOfType(0xaf);
/** Of sockets: what changes an interface needs a capability. */
const INTERFACES = ioctlsOfType(0x89);

/** Of a tap; TUNSETIFF without a capability attaches only to one that belongs to the monitor's user. */
const TAP: readonly CallRule[] = withArgument("ioctl", 1, [
  0x400454ca, // TUNSETIFF
  0x800454cf, // TUNGETFEATURES
  0x400454d0, // TUNSETOFFLOAD
  0x800454d2, // TUNGETIFF
  0x400454d4, // TUNSETSNDBUF
  0x800454d7, // TUNGETVNETHDRSZ
  0x400454d8, // TUNSETVNETHDRSZ
  0x400454d9, // TUNSETQUEUE
  0x400454dc, // TUNSETVNETLE
]);

/** Address families of socket(2). */
const UNIX = 1;
const INET = 2;
const NETLINK = 16;

const SOCKET_CALLS: readonly string[] = [
  "bind listen accept accept4 connect shutdown recvfrom recvmsg recvmmsg sendto sendmmsg",
  "getsockname getpeername getsockopt setsockopt",
];

/** Sockets of these address families; what is done with one that was opened is let through. */
function sockets(...families: readonly number[]): readonly CallRule[] {
  return [
    { calls: words(SOCKET_CALLS) },
    ...withArgument("socketpair", 0, [UNIX]),
    ...withArgument("socket", 0, families),
  ];
}

/** Only for questions about interfaces: NETLINK_ROUTE is protocol 0 (netlink(7)). */
const ROUTES: CallRule = {
  calls: ["socket"],
  conditions: [
    { argument: 0, mask: INT, value: NETLINK },
    { argument: 2, mask: INT, value: 0 },
  ],
};

/** A device model that serves a directory to its guest (QEMU's 9p) works on it by descriptors. */
const SHARED_DIRECTORIES: readonly string[] = [
  "mkdirat mknodat symlinkat linkat unlinkat renameat renameat2 fchmod fchmodat fchownat fchown utimensat truncate",
  "getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr",
  "removexattr lremovexattr fremovexattr name_to_handle_at fchdir copy_file_range sync_file_range",
];

/** The tenders look for their tap by name among all interfaces, over netlink, and ask for its MTU. */
const SOLO5: readonly CallRule[] = [...COMMON, ...sockets(INET), ROUTES, ...TAP, BLOCK, INTERFACES];

/** clone(2): threads that have a working directory of their own. */
const CLONE_FS = 0x200;

/** virtiofsd: its start as root, with what it gives up then, and the guest's requests as the guest's users. */
const SERVER: readonly CallRule[] = [
  ...COMMON,
  ...sockets(UNIX),
  ...withArgument("prctl", 0, [
    24, // PR_CAPBSET_DROP
    47, // PR_CAP_AMBIENT
  ]),
  ...withArgument("unshare", 0, [CLONE_FS]),
  {
    calls: words([
      ...SHARED_DIRECTORIES,
      "openat2 syncfs fchownat fchown chroot chdir capset setresuid setresgid setgroups setpriority",
      "sched_setattr sched_setscheduler sched_setaffinity getdents kill",
    ]),
  },
];

/** Who has a filter. */
export type Confined = MonitorKind | "virtiofsd";

export const FILTERS: Readonly<Record<Confined, readonly CallRule[]>> = {
  virtiofsd: SERVER,
  qemu: [
    ...COMMON,
    ...sockets(UNIX),
    ...TAP,
    KVM,
    BLOCK,
    VHOST,
    {
      calls: words([
        "signalfd signalfd4 timer_create timer_settime timer_gettime timer_getoverrun timer_delete",
        // Memory on the nodes of a NUMA host.
        "get_mempolicy set_mempolicy mbind",
        // Its control socket.
        "unlink chmod",
        ...SHARED_DIRECTORIES,
      ]),
    },
  ],
  firecracker: [...COMMON, ...sockets(UNIX), ...TAP, KVM, BLOCK, { calls: ["unlink"] }],
  "cloud-hypervisor": [
    ...COMMON,
    // The family INET is for questions about its tap.
    ...sockets(UNIX, INET),
    ...TAP,
    KVM,
    BLOCK,
    VHOST,
    INTERFACES,
    {
      calls: words([
        "io_setup io_submit io_getevents io_cancel io_destroy",
        "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        "kill mbind sched_setaffinity setsid unlink unlinkat userfaultfd",
      ]),
    },
  ],
  hvt: [...SOLO5, KVM],
  spt: SOLO5,
  // It asks for the addresses of its tap over netlink.
  uhyve: [
    ...COMMON,
    ...sockets(UNIX, INET),
    ROUTES,
    ...TAP,
    KVM,
    INTERFACES,
    {
      calls: words([
        "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
        "sched_setaffinity mkdir rmdir unlink unlinkat rename",
      ]),
    },
  ],
  "hyperlight-unikraft": [...COMMON, ...sockets(UNIX), KVM, { calls: ["sched_setaffinity", "userfaultfd"] }],
};
