/* The frozen heap as a section of its own: empty in the freezer, the file HEAP in the program, where it is immortal. */
    .globl frozen_heap, frozen_heap_end, immortal_start, immortal_size
    .set immortal_start, frozen_heap
#ifdef HEAP
    .section .frozen, "aw", %progbits
    .balign 4096
frozen_heap:
    .incbin HEAP
    .set immortal_size, . - frozen_heap
#else
    .section .frozen, "aw", %nobits
    .balign 4096
frozen_heap:
    .space 32 << 20
    .set immortal_size, 0
#endif
frozen_heap_end:
    .section .note.GNU-stack, "", %progbits
