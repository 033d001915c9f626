/**
 * vAccel: a guest reaches an accelerator's agent on the host over vsock. The annotations name something of the host, so
 * they are the spec's only, and the configuration has to allow them.
 */
import { fnv1a } from "../fnv.ts";
import { VSOCK_DIRECTORY, VSOCK_SOCKET, type Vsock } from "../monitors/vsock.ts";
import type { UnikernelMetadata } from "../oci/metadata.ts";
import type { HostFile, Tmpfs } from "./launch-plan.ts";
import type { Planning } from "./plan-input.ts";

/** What vAccel's library in the guest reads. */
const VARIABLE = "VACCEL_RPC_ADDRESS=";
/** The host, as every guest sees it (vsock(7), VMADDR_CID_HOST). */
const HOST_CID = 2;
/** The first context id of a guest, and how many there are: the last one means "any" (vsock(7)). */
const FIRST_CID = 3;
const CIDS = 2 ** 32 - 4;

/** Bytes: the directory holds two names. */
const DIRECTORY_SIZE = 1 << 16;

/** The guest's context id, unique on the host as far as 32 bits of the container's id can make it. */
export function guestCid(id: string): number {
  return (fnv1a(id) % CIDS) + FIRST_CID;
}

/** The vsock device; none when nobody asks for one. */
export function decideVsock({ metadata, configuration, facts, problems, id }: Planning): Vsock | undefined {
  const { vaccel } = metadata;
  if (vaccel === undefined) return undefined;
  if (!configuration.runtime.vaccel) {
    const message =
      "annotation com.urunc.unikernel.vAccel: runtime.vAccel of the configuration file is false: set it to true to let guests reach the host's accelerators";
    problems.push({ code: "no-vaccel", message });
  } else if (facts.socketProblem !== undefined) {
    const message = `annotation com.urunc.unikernel.RPCAddress: socket of the host: ${facts.socketProblem}: start the agent that listens there first`;
    problems.push({ code: "no-vaccel", message });
  }
  return { cid: guestCid(id) };
}

/** The container's environment with the agent's address as the guest reaches it, whatever it had in that place. */
export function withAgent(env: readonly string[], { vaccel }: UnikernelMetadata): readonly string[] {
  if (vaccel === undefined) return env;
  return [...env.filter((entry) => !entry.startsWith(VARIABLE)), `${VARIABLE}vsock://${HOST_CID}:${vaccel.port}`];
}

/** The agent's socket, where the monitor looks for it: beside its own, by the port. */
export function agentSocket({ metadata: { vaccel } }: Planning): readonly HostFile[] {
  if (vaccel?.socket === undefined) return [];
  return [{ source: vaccel.socket, target: `${VSOCK_SOCKET}_${vaccel.port}`, socket: true }];
}

/** Where the monitor makes its own socket. */
export function vsockDirectory({ metadata: { vaccel } }: Planning): readonly Tmpfs[] {
  if (vaccel?.socket === undefined) return [];
  return [{ target: VSOCK_DIRECTORY, size: DIRECTORY_SIZE, mode: 0o1777, noexec: true }];
}
