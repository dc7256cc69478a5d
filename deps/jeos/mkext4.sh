#!/bin/bash
# Makes an ext4 image of a directory, the same bytes for the same tree: mkext4.sh DIR IMAGE MIB UUID HASH-SEED
# `mke2fs -d` would take the order of the host's directories and the change times of the host's inodes into the image;
# so the tree is written with debugfs instead, sorted, from a list. SOURCE_DATE_EPOCH is the newest time in it.
set -euo pipefail
export LC_ALL=C
dir=$1 image=$2 mib=$3 uuid=$4 seed=$5
log=$image.log

# The library's clock, in the spelling of e2fsprogs before 1.47.1.
export E2FSPROGS_FAKE_TIME=$SOURCE_DATE_EPOCH E2FSCK_TIME=$SOURCE_DATE_EPOCH
# The host's mke2fs.conf does not matter: all features are named. No journal (a test's disk is thrown away) and no
# checksums (time, under TCG).
rm -f "$image"
truncate -s "${mib}M" "$image"
printf '[fs_types]\next4 = {\n\tinode_size = 256\n}\n' >"$image.conf"
MKE2FS_CONFIG=$image.conf mke2fs -q -F -t ext4 -b 4096 -I 256 -m 0 -N 65536 -L jeos -U "$uuid" \
    -O none,sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr,extent,huge_file,flex_bg,dir_nlink,extra_isize \
    -E "hash_seed=$seed,root_owner=0:0,lazy_itable_init=0,nodiscard" "$image"

# One line per file: kind of entry, directory, name, mode, owner, group, time, inode, link target.
# Directories first (0 before 1), then the rest directory by directory.
find "$dir" -mindepth 1 \( -type d -printf '0' -o -printf '1' \) \
    -printf '\t%P\t%h\t%f\t%y\t%m\t%U\t%G\t%T@\t%i\t%n\t%l\n' | sort -t "$(printf '\t')" -k1,1 -k3,3 -k4,4 |
    awk -F '\t' -v root="$dir" -v newest="$SOURCE_DATE_EPOCH" '
    function quote(text) { return "\"" text "\"" }
    function fields(path, kind) {
        print "sif", quote(path), "mode", "0" kind substr("0000" $6, length($6) + 1)
        if ($7 != 0) print "sif", quote(path), "uid", $7
        if ($8 != 0) print "sif", quote(path), "gid", $8
        time = int($9)
        if (time < newest) print "sif", quote(path), "mtime", "@" time
    }
    {
        path = "/" $2
        source = $3 "/" $4
        parent = substr(path, 1, length(path) - length($4) - 1)
    }
    $5 == "d" { print "mkdir", quote(path); fields(path, "4"); next }
    # The names of new files are taken relative to the working directory.
    parent != cwd { print "cd", quote(parent == "" ? "/" : parent); cwd = parent }
    $5 == "l" { print "symlink", quote($4), quote($12); next }
    $5 == "f" && $11 > 1 && ($10 in first) { print "ln", quote(first[$10]), quote($4); links[first[$10]]++; next }
    $5 == "f" {
        print "write", quote(source), quote($4)
        fields(path, "10")
        if ($11 > 1) { first[$10] = path; links[path] = 1 }
        next
    }
    { print "mkext4: neither a file, a directory nor a link: " path > "/dev/stderr"; exit 1 }
    END {
        # Sorted input, but awk walks arrays in any order; only the counts are set here.
        for (path in links) if (links[path] > 1) print "sif", quote(path), "links_count", links[path]
    }' >"$image.commands"

# debugfs ends with 0 whatever happens; what it says on standard error, beside its version, are the failures.
debugfs -w -f "$image.commands" "$image" 2>"$log" >/dev/null
if grep -v '^debugfs [0-9]' "$log" | head -5 | grep . >&2; then
    echo "mkext4: debugfs could not write all of $dir" >&2
    exit 1
fi
# Counts and directories are right (and a second opinion on all of the above).
e2fsck -f -y "$image" >"$log" 2>&1 || [ $? -le 1 ] || { cat "$log" >&2; exit 1; }
