/*
 * Entry from the PVH boot protocol and the way into long mode.
 *
 * On entry (Xen, docs/misc/pvh): 32-bit protected mode, flat segments, paging off, interrupts off,
 * EBX = physical address of struct hvm_start_info. There is no stack and no GDT of ours.
 */

/* ELF note XEN_ELFNOTE_PHYS32_ENTRY (18): where the loader enters in 32-bit mode. */
        .section .note.pvh, "a", @note
        .balign 4
        .long   4                       /* namesz */
        .long   8                       /* descsz: loaders read a pointer of the ELF's class */
        .long   18                      /* type */
        .asciz  "Xen"
        .quad   pvh_start

        .text
        .code32
        .globl  pvh_start
        .type   pvh_start, @function
pvh_start:
        cli
        cld
        rdtsc                           /* the moment that uptime counts from */
        movl    %eax, clock_entry_tsc
        movl    %edx, clock_entry_tsc + 4
        movl    $stack_top, %esp

        /*
         * Identity map of the first 4 GiB with 2 MiB pages (Intel SDM vol. 3, 4.5): one PML4 entry,
         * four PDPT entries, 4 x 512 page directory entries. Present | writable = 3, page size = 0x80.
         * The fifth PDPT entry is for memory.c.
         */
        movl    $pdpt + 3, pml4
        movl    $page_dirs + 3, %eax
        movl    $pdpt, %edi
        movl    $5, %ecx
1:      movl    %eax, (%edi)
        addl    $4096, %eax
        addl    $8, %edi
        loop    1b

        movl    $0x83, %eax
        movl    $page_dirs, %edi
        movl    $2048, %ecx
2:      movl    %eax, (%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    2b

        /* Long mode (Intel SDM vol. 3, 9.8.5): CR4.PAE, CR3, EFER.LME, CR0.PG, far jump to 64-bit code. */
        movl    %cr4, %eax
        orl     $0x20, %eax
        movl    %eax, %cr4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        lgdt    gdt_pointer
        ljmp    $0x08, $long_mode

        .code64
long_mode:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        movl    %ebx, %edi              /* kernel_main(start_info); the upper half becomes zero */
        call    kernel_main
3:      cli
        hlt
        jmp     3b

        .section .rodata
        .balign 8
gdt:    .quad   0
        .quad   0x00209b0000000000      /* 0x08: 64-bit code */
        .quad   0x0000930000000000      /* 0x10: data */
gdt_pointer:
        .word   . - gdt - 1
        .long   gdt

        .bss
        .balign 4096
pml4:   .skip   4096
pdpt:   .skip   4096
page_dirs:
        .skip   4 * 4096
        .globl  device_pages
device_pages:
        .skip   4096
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
