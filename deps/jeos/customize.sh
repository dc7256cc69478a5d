#!/bin/bash
# Makes the guest out of the plain Debian tree: customize.sh RECIPE-DIR ROOT. Runs in fakeroot.
set -euo pipefail
here=$1 root=$2

cp -R --no-preserve=ownership,timestamps "$here/root/." "$root/"
chown -R 0:0 "$root/etc/dropbear" "$root/etc/acpi" "$root/usr/lib/jeos"
chmod 600 "$root"/etc/dropbear/*_host_key
chmod 755 "$root"/usr/lib/jeos/* "$root/usr/sbin/shutdown" "$root"/etc/acpi/PWRF/*

# busybox is init; its name tells it which program to be. login is busybox' own: Debian's goes through PAM.
ln -sf ../bin/busybox "$root/usr/sbin/init"
ln -sf ../../bin/busybox "$root/usr/lib/jeos/login"
for name in poweroff halt reboot; do ln -sf shutdown "$root/usr/sbin/$name"; done
# The programs of busybox that Debian has not installed as its own (vi, killall, wget, ...).
"$root/usr/bin/busybox" --list-full | while read -r path; do
    name=${path##*/}
    # -L: a link to what is not there (yet) counts as installed.
    for place in "$root/usr/bin/$name" "$root/usr/sbin/$name"; do
        if [ -e "$place" ] || [ -L "$place" ]; then continue 2; fi
    done
    case $path in
    *sbin/*) ln -s ../bin/busybox "$root/usr/sbin/$name" ;;
    *) ln -s busybox "$root/usr/bin/$name" ;;
    esac
done

# root, password 123456, as the reference's guests have it. The salt is fixed, like all else here, and the rounds are
# few: a login costs time, and the password is no secret.
# shellcheck disable=SC2016  # the dollars are the hash's own
hash='$6$rounds=1000$vthostjeos$qIsNk/klKdo3ZuauVj1j62hElFm.4SDwNdxcTW1LNtYLJJKrVnrk1Vc6yOlc2.zOoTzKe/q03I.jJWd0DvO43.'
sed -i "s|^root:[^:]*:|root:$hash:|" "$root/etc/shadow"
sed -i 's|^root:\(.*\):[^:]*$|root:\1:/bin/bash|' "$root/etc/passwd"
install -d -m 700 "$root/root/.ssh"
install -m 600 "$here/id_ed25519.pub" "$root/root/.ssh/authorized_keys"
# What Debian puts there sets its own prompt.
rm -f "$root"/root/.bashrc "$root"/root/.profile "$root/etc/resolv.conf"
: >"$root/etc/motd"
ln -sf /proc/self/mounts "$root/etc/mtab"
# The tools of Debian's Python packaging, compiled at installation, are not the same bytes every time, and no guest needs
# them. The standard library's are: without them every start of Python would cost seconds under emulation.
rm -rf "$root"/usr/share/python3/debpython/__pycache__
