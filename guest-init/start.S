/* Entry of the program: the stack pointer is all that the kernel gives (Linux, fs/binfmt_elf.c, create_elf_tables). */
    .globl _start
    .text
_start:
#if defined(__x86_64__)
    xor %ebp, %ebp
    mov %rsp, %rdi
    and $-16, %rsp
    call begin
    ud2
#elif defined(__aarch64__)
    mov x29, #0
    mov x0, sp
    and sp, x0, #-16
    bl begin
    brk #1
#else
#error guest-init is written for x86-64 and arm64
#endif
    .section .note.GNU-stack, "", %progbits
