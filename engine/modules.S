/* The bundle as data, in the sanitizer build only: BUNDLE is the path of the file that engine/bytecode.c wrote. */
    .section .rodata
    .balign 16
    .globl bundle
bundle:
    .incbin BUNDLE
    .section .note.GNU-stack, "", %progbits
