/** Where the image's files lie in the monitor's root. The names are ours, so no name of the image reaches the monitor. */
export const KERNEL_TARGET = "/guest/kernel";
export const INITRD_TARGET = "/guest/initrd";
export const BLOCK_TARGET = "/guest/block";
/** A file system of its own for what is copied. */
export const COPIES_TARGET = "/guest/copied";
export const COPIED_KERNEL_TARGET = "/guest/copied/kernel";
/** An initrd we make ourselves. */
export const MADE_INITRD_TARGET = "/guest/made/initrd";
