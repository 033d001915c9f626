/* The bundle as data: BUNDLE is the path of the file that engine/bytecode.c wrote. */
    .section .rodata
    .balign 16
    .globl modules
modules:
    .incbin BUNDLE
    .byte 0
    .section .note.GNU-stack, "", %progbits
