# Starts a kernel that lies unpacked in memory, in the place of the kernel's own decompressor.
# take.sh assembles it with --defsym ENTRY, SIZE (the unpacked kernel: where it runs, how many bytes it has), and puts
# the unpacked kernel behind it. Boot loaders put all of it to 1 MiB; the kernel's real-mode part enters here, in flat
# 32-bit mode, with the address of the boot parameters in %esi (Documentation/arch/x86/boot.rst of Linux).
# The kernel wants 64-bit mode and an identity map, and everything in the place that it was linked for.

        .equ    PAGE, 0x1000
        .equ    LARGE_PAGE, 0x200000
        # Present, writable; the latter also a large page.
        .equ    TABLE, 0x03
        .equ    LEAF, 0x83
        .equ    GIB, 4

        .code32
        .globl  _start
_start: cli
        cld
        movl    %esi, %ebp

        # One table of each upper level, and one of the lowest for each GiB below 4 GiB.
        xorl    %eax, %eax
        movl    $level4, %edi
        movl    $((2 + GIB) * PAGE / 4), %ecx
        rep stosl
        movl    $(level3 + TABLE), level4
        movl    $level3, %edi
        movl    $(level2 + TABLE), %eax
        movl    $GIB, %ecx
1:      movl    %eax, (%edi)
        addl    $PAGE, %eax
        addl    $8, %edi
        loop    1b
        movl    $level2, %edi
        movl    $LEAF, %eax
        movl    $(GIB * 512), %ecx
2:      movl    %eax, (%edi)
        addl    $LARGE_PAGE, %eax
        addl    $8, %edi
        loop    2b

        # 64-bit mode: physical address extension, the tables, long mode enabled (EFER.LME), paging.
        movl    %cr4, %eax
        orl     $0x20, %eax
        movl    %eax, %cr4
        movl    $level4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x100, %eax
        wrmsr
        lgdt    descriptors
        movl    %cr0, %eax
        orl     $0x80000000, %eax
        movl    %eax, %cr0
        ljmpl   $0x08, $long_mode

        .code64
long_mode:
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        # From the end: where it is and where it belongs overlap, and the latter is higher.
        std
        movl    $(unpacked + SIZE - 8), %esi
        movl    $(ENTRY + SIZE - 8), %edi
        movl    $(SIZE / 8), %ecx
        rep movsq
        cld
        movl    %ebp, %esi
        movl    $ENTRY, %eax
        jmp     *%rax

        .balign 8
gdt:    .quad   0
        .quad   0x00af9a000000ffff      # 0x08: code, 64 bits
        .quad   0x00cf92000000ffff      # 0x10: data
descriptors:
        .word   . - gdt - 1
        .long   gdt

        .balign PAGE
level4: .skip   PAGE
level3: .skip   PAGE
level2: .skip   GIB * PAGE
unpacked:
