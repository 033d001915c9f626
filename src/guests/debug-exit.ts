/**
 * The guest's status behind QEMU's device isa-debug-exit, which ends QEMU with twice the status plus one. Even ones are
 * QEMU's own: 0 after a power-off or a signal it handles.
 */
export function debugExitStatus(monitorStatus: number): number {
  return monitorStatus % 2 === 1 ? (monitorStatus - 1) / 2 : monitorStatus;
}

/** The same for a guest whose own statuses are all but 127, which says that its machine was reset: undefined. */
export function exitStatusButLargest(monitorStatus: number): number | undefined {
  return monitorStatus === 255 ? undefined : debugExitStatus(monitorStatus);
}
