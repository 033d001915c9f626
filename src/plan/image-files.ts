/** Where the image's files lie in the monitor's root. The names are ours, so no name of the image reaches the monitor. */
export const KERNEL_TARGET = "/guest/kernel";
export const INITRD_TARGET = "/guest/initrd";
export const BLOCK_TARGET = "/guest/block";
/** An initrd we make ourselves. */
export const MADE_INITRD_TARGET = "/guest/made/initrd";
