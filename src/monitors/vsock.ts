/**
 * How a monitor connects a vsock device to the host. `vhost`: the host's kernel does, and the guest reaches the sockets
 * of the host's own family. `unix`: the monitor does, with Unix sockets beside its own; a guest that calls a port of the
 * host is connected to the one whose name ends with that port (Firecracker, docs/vsock.md).
 */
export type VsockKind = "vhost" | "unix";

/** A vsock device of the guest. */
export interface Vsock {
  /** The guest's context id: 3 to 2^32 - 2. */
  readonly cid: number;
}

/** In the monitor's root, for those that use Unix sockets: theirs to write to. */
export const VSOCK_DIRECTORY = "/guest/vsock";
export const VSOCK_SOCKET = `${VSOCK_DIRECTORY}/vaccel.sock`;

export const VHOST_VSOCK_DEVICE = "/dev/vhost-vsock";
