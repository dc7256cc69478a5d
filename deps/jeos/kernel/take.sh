#!/bin/bash
# Takes from Debian's kernel package what the guest needs: take.sh TREE OUT
# TREE is the unpacked package. OUT gets `vmlinuz`, which starts without being unpacked first, and `lib/modules`, the
# modules of the list beside this file with what they depend on.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$1 out=$2
version=$(ls "$tree/lib/modules")
bzimage=$(echo "$tree"/boot/vmlinuz-*)

die() {
    echo "take.sh: $*" >&2
    exit 1
}

take_modules() {
    local name from=$tree/lib/modules/$version to=$out/lib/modules/$version
    depmod -b "$tree" "$version"
    while read -r name; do
        modprobe -d "$tree" -S "$version" --show-depends "$name" ||
            die "$version has no module $name (named in $here/modules)"
    done < <(sed 's/#.*//' "$here/modules" | tr -s ' ' '\n' | sed '/^$/d') |
        awk '$1 == "insmod" { print $2 }' | sed "s|^$from/||" | sort -u >"$out/modules.paths"
    # Without signature and type information: checking them costs 0.3 s of each boot under TCG. The price is that the
    # kernel calls itself tainted (E). The symbols stay, for the traces of crashes.
    while read -r name; do
        mkdir -p "$to/${name%/*}"
        objcopy -R .BTF "$from/$name" "$to/$name"
    done <"$out/modules.paths"
    # depmod reads these; the order decides which of two drivers of the same device is taken.
    cp "$from"/modules.builtin* "$to/"
    grep -Fxf "$out/modules.paths" "$from/modules.order" >"$to/modules.order"
    depmod -b "$out" "$version"
}

# A number in the header of a boot image (Documentation/arch/x86/boot.rst of Linux): field OFFSET BYTES
field() { od -An -v -t "u$2" -j "$1" -N "$2" "$bzimage" | tr -d ' '; }

# Overwrites one in the image that is made: set_field OFFSET BYTES VALUE
set_field() {
    local byte bytes=''
    for ((byte = 0; byte < $2; byte++)); do bytes+=$(printf '\\x%02x' $((($3 >> (8 * byte)) & 255))); done
    printf '%b' "$bytes" | dd of="$out/vmlinuz" bs=1 seek=$(($1)) conv=notrunc status=none
}

# The kernel is packed with xz. Unpacking takes 2.5 s under TCG, more than all of the rest of its start, so it is done
# here, once. The real-mode part, which asks the firmware, stays; entry.S takes the place of the unpacker.
take_kernel() {
    local setup payload length entry size
    [ "$(field 0x202 4)" = $((0x53726448)) ] || die "$bzimage is no boot image of Linux"
    setup=$((($(field 0x1f1 1) + 1) * 512))
    payload=$((setup + $(field 0x248 4)))
    length=$(field 0x24c 4)
    # Behind the packed kernel stands its size, which xz need not see.
    dd if="$bzimage" of="$out/vmlinux.xz" bs=1M iflag=skip_bytes,count_bytes skip=$payload count=$((length - 4)) status=none
    xz -dc "$out/vmlinux.xz" >"$out/vmlinux" || die "the kernel in $bzimage is not packed with xz"
    # The kernel clears .bss itself. The scratch area is only written; it would be 24 MiB of zeros.
    objcopy -O binary -R .init.scratch "$out/vmlinux" "$out/vmlinux.bin"
    truncate -s %16 "$out/vmlinux.bin"
    size=$(stat -c %s "$out/vmlinux.bin")
    entry=$(readelf -h "$out/vmlinux" | sed -n 's/.*Entry point address: *//p')
    [ "$((entry))" = "$(field 0x258 8)" ] || die "$bzimage starts at $entry, not where it is loaded"

    as --64 --defsym "ENTRY=$entry" --defsym "SIZE=$size" -o "$out/entry.o" "$here/entry.S"
    ld -m elf_x86_64 -Ttext=0x100000 --oformat binary -o "$out/entry.bin" "$out/entry.o"
    { head -c "$setup" "$bzimage" && cat "$out/entry.bin" "$out/vmlinux.bin"; } >"$out/vmlinuz"
    # Sixteens of bytes behind the real-mode part; and nothing to move, to enter in 64-bit mode, or to unpack.
    set_field 0x1f4 4 $((($(stat -c %s "$out/vmlinuz") - setup) / 16))
    set_field 0x234 1 0
    set_field 0x236 2 0
    set_field 0x248 8 0
    rm "$out"/vmlinux* "$out"/entry.*
}

rm -rf "$out"
mkdir -p "$out"
take_modules
take_kernel
