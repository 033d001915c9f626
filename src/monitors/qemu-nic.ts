/** Nics of QEMU: a tap behind a virtio device (QEMU, docs/system/invocation, "-netdev tap"). */
import type { MonitorInput, Nic } from "./monitor.ts";

/**
 * Options for all nics.
 *
 * @param isMmio the machine has its virtio devices without PCI.
 */
export function nicOptions(input: MonitorInput, isMmio: boolean): readonly string[] {
  if (input.nics.length === 0) return ["-nic", "none"];
  return input.nics.flatMap((nic) => ["-netdev", backend(nic, input), "-device", device(nic, input, isMmio)]);
}

function backend(nic: Nic, input: MonitorInput): string {
  const tap = nic.fd === undefined ? `ifname=${nic.tap},script=no,downscript=no` : `fd=${nic.fd}`;
  return `tap,id=${nic.id},${tap}${input.configuration.vhost ? ",vhost=on" : ""}`;
}

/** romfile= : nobody boots from the network, and the ROM would have to be in the monitor's root. */
function device(nic: Nic, input: MonitorInput, isMmio: boolean): string {
  const identity = `netdev=${nic.id},mac=${nic.mac},host_mtu=${nic.mtu}`;
  return isMmio ? `virtio-net-device,${identity}` : `virtio-net-pci,${identity},${interfaceOf(input)}romfile=`;
}

function interfaceOf({ guest }: MonitorInput): string {
  switch (guest.virtioNet) {
    case "legacy":
      return "disable-legacy=off,";
    case "modern":
      return "disable-legacy=on,disable-modern=off,";
    case undefined:
      return "";
    default:
      return guest.virtioNet satisfies never;
  }
}
