/**
 * An option ROM for PCs by which QEMU ends with a status of its own when the machine is reset, as after a kernel's panic
 * or a triple fault. QEMU by itself ends with 0 then (`-no-reboot`), as after a power-off. SeaBIOS runs the ROM once
 * before it boots; the ROM puts a jump to itself where the processor comes after a reset, and there tells the device
 * isa-debug-exit (SeaBIOS, src/romlayout.S and src/optionroms.c; Intel SDM vol. 3, 9.1.4).
 */

/** I/O port of the ROM's own isa-debug-exit: no device of a PC has it, and no guest is known to write to it. */
export const RESET_PORT = 0x5f8;

/** Bytes of the file: option ROMs come in blocks of 512. */
export const RESET_ROM_SIZE = 512;

/**
 * The ROM as hexadecimal digits; what is missing to {@link RESET_ROM_SIZE} is zero.
 *
 * @param value 0 to 127; QEMU ends with 2 * value + 1.
 */
export function resetRom(value: number): string {
  const code = [
    ...[0x55, 0xaa, RESET_ROM_SIZE / 512],
    ...[0xeb, 0x00], //                jmp   init            what lies behind the three bytes is called at each POST
    ...[0x9c, 0xfa], //          init: pushf; cli
    ...[0x50, 0x57, 0x1e], //          push  ax, di, ds
    ...[0xb0, 0xfe, 0xe6, 0x70], //    out   0x70, 0xfe      byte 0x7e of the clock's memory, which outlives a reset
    ...[0xe4, 0x71], //                in    al, 0x71
    ...[0x3c, 0xa5], //                cmp   al, 0xa5
    ...[0x74, 0x28], //                je    again           not the first POST
    ...[0xb0, 0xfe, 0xe6, 0x70], //    out   0x70, 0xfe
    ...[0xb0, 0xa5, 0xe6, 0x71], //    out   0x71, 0xa5
    ...[0xb8, 0x00, 0xf0], //          mov   ax, 0xf000      the firmware's segment, writable until it boots
    ...[0x8e, 0xd8], //                mov   ds, ax
    ...[0x80, 0x3e, 0xf0, 0xff, 0xea], // cmp byte [0xfff0], 0xea    its first instruction is a far jump, or no SeaBIOS
    ...[0x75, 0x0f], //                jne   done
    ...[0x8b, 0x3e, 0xf1, 0xff], //    mov   di, [0xfff1]    where that leads to
    ...[0xc6, 0x05, 0xea], //          mov   byte [di], 0xea
    ...[0xc7, 0x45, 0x01, 0x3c, 0x00], // mov word [di+1], again
    ...[0x8c, 0x4d, 0x03], //          mov   [di+3], cs
    ...[0x1f, 0x5f, 0x58, 0x9d], // done: pop ds, di, ax; popf
    0xcb, //                           retf
    ...[0xba, RESET_PORT & 0xff, RESET_PORT >> 8], // again: mov dx, RESET_PORT
    ...[0xb0, value], //               mov   al, value
    0xee, //                           out   dx, al
    ...[0xf4, 0xeb, 0xfd], //          hlt in a loop
  ];
  const sum = code.reduce((total, byte) => total + byte, 0);
  // All bytes of a ROM make 0.
  return [...code, -sum & 0xff].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
