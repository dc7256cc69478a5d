#!/bin/bash
# Builds the JeOS guest image: a small Debian with a busybox init, made for tests that boot it thousands of times.
# README.md tells what is in it and why. Needs no root and no loop device; as root it does the same.
#
#   build.sh --out FILE.qcow2 [--work DIR]    build the image
#   build.sh --update-lock [--work DIR]       write packages.lock anew from what the archive has now
#   --keep-work                               keep the intermediate files (to look at them, or to build again faster)
#
# The Debian archive is the one in this machine's apt sources; DEBIAN_MIRROR (and DEBIAN_SECURITY_MIRROR) override it.
set -euo pipefail

# What makes the bytes of the image, beside the files in this directory and the packages.
readonly SUITE=bookworm
readonly ARCH=amd64
readonly KERNEL_META=linux-image-amd64
readonly ROOT_UUID=6a656f73-0000-4000-8000-000000000001
readonly HASH_SEED=6a656f73-0000-4000-8000-000000000002
readonly DISK_ID=0x6a656f73 # the MBR's signature and, without 0x, the FAT volume's
readonly BOOT_MIB=48
readonly ROOT_MIB=1280
export SOURCE_DATE_EPOCH=1767225600 # 2026-01-01; the newest time stamp in the image
export LC_ALL=C TZ=UTC
umask 022
# System directories come last in some users' PATH, or not at all.
export PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
out='' work='' update_lock=0 keep_work=0

say() { printf 'jeos: %s\n' "$*" >&2; }
die() {
    say "error: $*"
    exit 1
}
# Comments and empty lines of the list files are for people.
entries() { sed -e 's/[[:space:]]*#.*//' -e '/^[[:space:]]*$/d' "$1"; }

parse_arguments() {
    while [ $# -gt 0 ]; do
        case $1 in
        --out) out=${2:?--out needs a file name} && shift ;;
        --work) work=${2:?--work needs a directory} && shift ;;
        --update-lock) update_lock=1 ;;
        --keep-work) keep_work=1 ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" && exit 0 ;;
        *) die "unknown argument $1 (see --help)" ;;
        esac
        shift
    done
    [ -n "$out" ] || [ "$update_lock" = 1 ] || die "--out FILE.qcow2 is missing (see --help)"
}

check_host() {
    local package command missing=''
    while read -r package command; do
        command -v "$command" >/dev/null || missing="$missing $package"
    done < <(entries "$here/host-packages.txt")
    [ -z "$missing" ] || die "missing on this host; run: apt-get install --no-install-recommends$missing"
}

# The URIs of the machine's own apt sources, one a line, in both formats.
apt_uris() {
    {
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null | sed -n 's/^URIs:[[:space:]]*//p'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
            sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?([^[:space:]]+).*/\2/p'
    } | tr ' ' '\n' || true
}

write_sources() {
    local main security
    main=${DEBIAN_MIRROR:-$(apt_uris | grep -m1 -E '/debian/?$' || true)}
    [ -n "$main" ] || die "no Debian archive in this machine's apt sources (set DEBIAN_MIRROR)"
    security=${DEBIAN_SECURITY_MIRROR:-$(apt_uris | grep -m1 -E '/debian-security/?$' || true)}
    # Mirrors carry the security archive beside the main one.
    security=${security:-${main%/}-security}
    cat >"$work/sources.list" <<EOF
deb $main $SUITE main
deb $main $SUITE-updates main
deb $security $SUITE-security main
EOF
    say "packages of $SUITE from $main"
    # A priority above 1000 makes apt take the locked version, also when it is not the newest one; a version that the
    # archive no longer has is as if it were not named.
    : >"$work/preferences"
    if [ "$update_lock" = 0 ] && [ -f "$here/packages.lock" ]; then
        entries "$here/packages.lock" |
            awk '{ printf "Package: %s\nPin: version %s\nPin-Priority: 1001\n\n", $1, $2 }' >"$work/preferences"
    fi
}

# The kernel to take: the locked one if the archive has it, else the one that the meta package points to now.
# Runs as a hook of mmdebstrap, with its apt: hook_kernel ROOT DIR
hook_kernel() {
    local dir=$2 package version
    export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG
    read -r package version < <(awk '$1 ~ /^linux-image-/ { print $1, $2 }' "$dir/lock") || true
    if [ -z "${package:-}" ] || ! apt-cache madison "$package" | grep -qF " $version "; then
        package=$(apt-cache depends "$KERNEL_META" | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
        version=$(apt-cache madison "$package" | awk 'NR == 1 { print $3 }')
    fi
    # As root, apt would try to download as a user that may not enter the directory, and warn.
    (cd "$dir/kernel" && apt-get -q -o APT::Sandbox::User=root download "$package=$version" >/dev/null)
    printf '%s %s\n' "$package" "$version" >"$dir/kernel/version"
}

# Debian's packages, unpacked and configured, as $work/root.tar and $work/kernel/.
bootstrap() {
    local include key
    include=$(entries "$here/packages.list" | sort -u | paste -sd,)
    key=$(cat "$work/sources.list" "$work/preferences" "$here/packages.list" "$here/build.sh" | sha256sum)
    if [ "$update_lock" = 0 ] && [ "$(cat "$work/root.key" 2>/dev/null)" = "$key" ]; then
        say "packages: those of the last build in $work"
        return
    fi
    rm -rf "$work/root.key" "$work/kernel"
    mkdir -p "$work/kernel"
    if [ "$update_lock" = 0 ] && [ -f "$here/packages.lock" ]; then cp "$here/packages.lock" "$work/lock"; else : >"$work/lock"; fi
    # The proxies of this machine's apt serve the new apt too.
    local proxies=() line
    while read -r line; do proxies+=(--aptopt="$line"); done < <(apt-config dump | grep -E '^Acquire::(http|https)::Proxy ' || true)
    # shellcheck disable=SC2016  # mmdebstrap's shell expands $1, the root
    # Documentation, translations and static libraries are half of the size. dpkg need not sync: the tree is thrown away on failure.
    mmdebstrap --quiet --mode=fakechroot --variant=essential --architectures="$ARCH" --format=tar \
        --include="$include" "${proxies[@]}" \
        --aptopt='Acquire::Check-Valid-Until "false"' --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/info/*' \
        --dpkgopt='path-exclude=/usr/share/bash-completion/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
        --dpkgopt='path-exclude=/usr/lib/*.a' --dpkgopt='path-include=/usr/lib/*/libc_nonshared.a' \
        --dpkgopt='path-include=/usr/lib/*/libtcc1.a' --dpkgopt='force-unsafe-io' \
        --setup-hook="mkdir -p \"\$1/etc/apt/preferences.d\" && cp '$work/preferences' \"\$1/etc/apt/preferences.d/jeos-lock\"" \
        --customize-hook="'$here/build.sh' hook_kernel \"\$1\" '$work'" \
        --customize-hook='rm "$1"/etc/apt/preferences.d/jeos-lock' \
        "$SUITE" "$work/root.tar" "$work/sources.list"
    dpkg-deb -x "$work"/kernel/*.deb "$work/kernel/tree"
    printf '%s' "$key" >"$work/root.key"
}

# One line "PACKAGE VERSION" for all that went in.
list_packages() {
    {
        tar -xOf "$work/root.tar" ./var/lib/dpkg/status |
            awk '/^Package: / { name = $2 } /^Version: / { print name, $2 }'
        cat "$work/kernel/version"
    } | sort
}

compare_with_lock() {
    local changed line
    [ -f "$here/packages.lock" ] || { say "no packages.lock; the current versions were taken" && return; }
    changed=$(diff <(entries "$here/packages.lock" | sort) <(list_packages) | grep '^[<>]' || true)
    [ -n "$changed" ] || { say "packages: all $(list_packages | wc -l) as locked" && return; }
    say "packages: the archive no longer has all locked versions (< locked, > taken); --update-lock accepts:"
    while read -r line; do say "  $line"; done <<<"$changed"
}

write_lock() {
    {
        echo "# The exact versions of all packages in the image. Written by \`build.sh --update-lock\`."
        list_packages
    } >"$work/lock.new"
    mv "$work/lock.new" "$here/packages.lock"
    say "wrote packages.lock ($(list_packages | wc -l) packages)"
}

# The initial ramdisk: busybox, the drivers of the root disk, one script.
make_initrd() {
    local tree=$work/initrd modules=$work/taken version module drivers
    version=$(ls "$modules/lib/modules")
    rm -rf "$tree"
    mkdir -p "$tree"/{bin,dev,lib,mnt,proc,sys}
    tar -xOf "$work/root.tar" ./usr/bin/busybox >"$tree/bin/busybox" 2>/dev/null ||
        tar -xOf "$work/root.tar" ./bin/busybox >"$tree/bin/busybox"
    cp "$here/initrd/init" "$tree/init"
    chmod 755 "$tree/bin/busybox" "$tree/init"
    # One line per way to the root disk; a module that a line before has loaded is not loaded twice.
    while read -r -a drivers; do
        for module in "${drivers[@]}"; do
            modprobe -d "$modules" -S "$version" --show-depends "$module"
        done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/modules.paths"
        xargs cp -t "$tree/lib" <"$work/modules.paths"
        sed 's|.*/||' "$work/modules.paths" | paste -sd' '
    done < <(entries "$here/initrd/modules") |
        awk '{ line = ""; for (i = 1; i <= NF; i++) if (!seen[$i]++) line = line " " $i; print substr(line, 2) }' >"$tree/lib/modules.order"
    # What most boots need no driver of stays packed: unpacking takes time, too.
    mkdir "$tree/more"
    sed 1d "$tree/lib/modules.order" | tr ' ' '\n' | (cd "$tree/lib" && xargs mv -t ../more)
    archive "$tree/more" "$work/more.gz"
    rm -r "$tree/more"
    cp "$work/more.gz" "$tree/lib/"
    archive "$tree" "$work/initrd.gz"
}

# A directory as the kernel and busybox unpack it, the same bytes for the same files: archive DIR FILE
archive() {
    find "$1" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
    (cd "$1" && find . | sort | cpio --quiet --reproducible -R 0:0 -o -H newc) | gzip -9n >"$2"
}

# The root file system. In fakeroot, so that owners and modes of the packages hold: stage_root WORK
stage_root() {
    work=$1
    local stage=$work/stage
    rm -rf "$stage" && mkdir -p "$stage"
    tar -xf "$work/root.tar" -C "$stage" --numeric-owner
    mkdir -p "$stage/usr/lib/modules"
    cp -a "$work/taken/lib/modules/." "$stage/usr/lib/modules/"

    "$here/customize.sh" "$here" "$stage"

    # What the host's date, name or network would leave behind.
    rm -rf "$stage"/var/cache/{apt,debconf,ldconfig}/* "$stage"/var/log/* "$stage"/var/lib/apt/lists/* "${stage:?}"/dev/* "$stage"/run/* \
        "$stage"/var/lib/dpkg/*-old "$stage"/var/cache/*/*-old
    : >"$stage/etc/machine-id"
    "$here/mkext4.sh" "$stage" "$work/root.ext4" "$ROOT_MIB" "$ROOT_UUID" "$HASH_SEED"
    rm -rf "$stage"
}

make_boot() {
    local image=$work/boot.fat cmdline
    cmdline=$(entries "$here/boot/cmdline" | paste -sd' ')
    rm -f "$image"
    mkfs.vfat -C -F 16 -i "${DISK_ID#0x}" -n JEOSBOOT --invariant "$image" $((BOOT_MIB * 1024)) >/dev/null
    # The loader's own files first: it wants them at fixed places.
    syslinux --install "$image"
    sed "s|@CMDLINE@|$cmdline|" "$here/boot/syslinux.cfg" >"$work/syslinux.cfg"
    cp "$work/taken/vmlinuz" "$work/vmlinuz"
    cp "$work/initrd.gz" "$work/initrd.img"
    touch -d "@$SOURCE_DATE_EPOCH" "$work/syslinux.cfg" "$work/vmlinuz" "$work/initrd.img"
    mcopy -m -i "$image" "$work/syslinux.cfg" ::syslinux.cfg
    mcopy -m -i "$image" "$work/vmlinuz" ::vmlinuz
    mcopy -m -i "$image" "$work/initrd.img" ::initrd
}

make_disk() {
    local disk=$work/disk.raw mbr
    # In Debian 12 the one, in later releases the other.
    for mbr in /usr/lib/SYSLINUX/mbr.bin /usr/lib/syslinux/mbr/mbr.bin; do
        [ ! -f "$mbr" ] || break
    done
    [ -f "$mbr" ] || die "no mbr.bin (of the syslinux packages) on this host"
    rm -f "$disk"
    truncate -s $((1 + BOOT_MIB + ROOT_MIB + 1))M "$disk"
    sfdisk --quiet "$disk" <<EOF
label: dos
label-id: $DISK_ID
start=1MiB, size=${BOOT_MIB}MiB, type=6, bootable
start=$((1 + BOOT_MIB))MiB, size=${ROOT_MIB}MiB, type=83
EOF
    dd if="$mbr" of="$disk" bs=440 count=1 conv=notrunc status=none
    dd if="$work/boot.fat" of="$disk" bs=1M seek=1 conv=notrunc,sparse status=none
    dd if="$work/root.ext4" of="$disk" bs=1M seek=$((1 + BOOT_MIB)) conv=notrunc,sparse status=none
    say "disk: sha256 $(sha256sum "$disk" | cut -d' ' -f1) (raw)"
    # Threads write out of order unless told to keep it (-W is off by default).
    qemu-img convert -c -O qcow2 -o compression_type=zstd "$disk" "$work/disk.qcow2"
}

clean_up() {
    local status=$?
    [ "$keep_work" = 1 ] || rm -rf "$work"
    [ -z "$out" ] || rm -f "$out.part"
    [ "$status" = 0 ] || say "failed; nothing was written to ${out:-packages.lock}"
}

main() {
    local began=$SECONDS
    parse_arguments "$@"
    check_host
    if [ -z "$work" ]; then
        work=$(mktemp -d "${TMPDIR:-/tmp}/jeos.XXXXXX")
    else
        # A directory that was there is the caller's: only what this build makes in it is ours.
        mkdir -p "$work"
        work=$(cd "$work" && pwd)/jeos-build
        mkdir -p "$work"
    fi
    trap clean_up EXIT
    trap 'exit 130' INT TERM

    write_sources
    bootstrap
    if [ "$update_lock" = 1 ]; then write_lock; else compare_with_lock; fi
    [ -n "$out" ] || return 0
    say "kernel, initial ramdisk and boot partition ($((SECONDS - began)) s)"
    "$here/kernel/take.sh" "$work/kernel/tree" "$work/taken"
    make_initrd
    make_boot
    say "root file system ($((SECONDS - began)) s)"
    fakeroot -- "$here/build.sh" stage_root "$work"
    say "disk ($((SECONDS - began)) s)"
    make_disk
    # Through a name beside it: the image is there whole or not at all.
    mkdir -p "$(dirname "$out")"
    mv "$work/disk.qcow2" "$out.part"
    mv "$out.part" "$out"
    say "built $out, $(du -m "$out" | cut -f1) MB, in $((SECONDS - began)) s"
}

case ${1:-} in
# Parts that run inside mmdebstrap and inside fakeroot.
hook_kernel | stage_root) "$@" ;;
*) main "$@" ;;
esac
