import type {
  Configuration,
  ContainerBootConfiguration,
  MonitorConfiguration,
  NetworkConfiguration,
} from "./configuration.ts";

export const DEFAULT_MONITOR: MonitorConfiguration = {
  defaultMemoryMb: 256,
  defaultVcpus: 1,
  memoryOverheadMb: 0,
  path: "",
  dataPath: "",
  vhost: false,
  accel: "auto",
  machine: "auto",
  console: "serial",
  socketPath: "",
  gracefulShutdown: false,
  shutdownTimeout: 0,
};

export const DEFAULT_CONTAINER_BOOT: ContainerBootConfiguration = {
  kernel: "",
  initrd: "",
  directories: ["/usr/share/urunc", "/usr/local/share/urunc", "/var/lib/urunc"],
  maxInitrdMb: 512,
  guestInit: "",
};

export const DEFAULT_NETWORK: NetworkConfiguration = { mode: "dynamic", dns: [] };

/** What holds without a configuration file, and for every key a file does not have. */
export const DEFAULT_CONFIGURATION: Configuration = {
  log: { level: "info", syslog: false },
  timestamps: { enabled: false, destination: "/var/log/urunc/timestamps.log" },
  runtime: { vaccel: false, ordinary: "runc", strict: false, seccomp: "always" },
  monitors: {
    qemu: DEFAULT_MONITOR,
    hvt: DEFAULT_MONITOR,
    spt: DEFAULT_MONITOR,
    firecracker: DEFAULT_MONITOR,
    "cloud-hypervisor": DEFAULT_MONITOR,
    "hyperlight-unikraft": DEFAULT_MONITOR,
    uhyve: DEFAULT_MONITOR,
  },
  containerBoot: DEFAULT_CONTAINER_BOOT,
  virtiofsd: { path: "" },
  network: DEFAULT_NETWORK,
};
