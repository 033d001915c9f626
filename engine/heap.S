/* The frozen heap as a section of its own: empty in the freezer, the file HEAP in the program. */
    .globl frozen_heap, frozen_heap_end
#ifdef HEAP
    .section .frozen, "aw", %progbits
    .balign 4096
frozen_heap:
    .incbin HEAP
#else
    .section .frozen, "aw", %nobits
    .balign 4096
frozen_heap:
    .space 32 << 20
#endif
frozen_heap_end:
    .section .note.GNU-stack, "", %progbits
