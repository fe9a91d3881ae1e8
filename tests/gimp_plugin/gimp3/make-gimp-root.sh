#!/usr/bin/env bash
# make-gimp-root.sh DIR [SUITE [SERIES]] - a small Debian root with the real GIMP 3 in it, to test the plug-in against.
#
# DIR    where the root goes
# SUITE  trixie (GIMP 3.0, the default) or forky (GIMP 3.2)
# SERIES GIMP's version, as 3.2, that must come out; where Debian has another one by now, it fails and says so
#
# Needs root, apt and its mirror; installs nothing on the machine itself. At once where the root is ready; a
# half-built one is finished or, where even the base is broken, built anew. Several calls wait for each other.
# What apt says goes to DIR.log.
set -euo pipefail

root=${1:?usage: make-gimp-root.sh DIR [SUITE [SERIES]]}
suite=${2:-trixie}
series=${3:-}
recipe=7 # raise it when the packages below change

packages=(
    gimp python3-gi gir1.2-gimp-3.0 gir1.2-gtk-3.0 python3-cairo python3-gi-cairo # GIMP and its Python binding
    xvfb openbox python3-xlib                                                     # a screen, hands and eyes
    adwaita-icon-theme fonts-dejavu-core                                          # what GTK looks for
    locales fonts-nanum                                                           # Korean
    util-linux
)

mkdir -p "$root"
root=$(cd "$root" && pwd)
stamp=$root/.ready-$suite-$recipe

gimp_version() { dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${source:Upstream-Version}' gimp; }
of_series() { [[ -z $series || $(gimp_version) == "$series".* ]]; }
ready() { [[ -e $stamp ]] && of_series; } # a root of another series is brought up to date

ready && exit 0
[[ $(id -u) == 0 ]] || { echo "make-gimp-root.sh: must run as root" >&2; exit 1; }

exec 9>"$root.lock"
flock 9 # the shell's end opens it again
ready && exit 0 # another call has built it meanwhile

unmount() { ! mountpoint -q "$root/proc" || umount "$root/proc"; }
scratch=$(mktemp -d)
ended() {
    local status=$?
    unmount || true
    rm -rf "$scratch"
    if ((status)); then
        echo "make-gimp-root.sh: failed; the end of $root.log:" >&2
        tail -n 15 "$root.log" >&2
    fi
}
trap ended EXIT
exec 8>&1 >"$root.log" 2>&1

mirror=$(awk '$1 == "URIs:" { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[[ -n $mirror ]] || mirror=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' \
    /etc/apt/sources.list)

if [[ ! -e $root/.base-done ]]; then
    unmount
    find "$root" -xdev -mindepth 1 -delete
    debootstrap=$(command -v debootstrap || true)
    if [[ -z $debootstrap ]]; then # fetched, not installed
        (cd "$scratch" && { apt-get download -qq debootstrap || { apt-get update -qq && apt-get download -qq debootstrap; }; })
        dpkg-deb -x "$scratch"/debootstrap_*.deb "$scratch/debootstrap"
        export DEBOOTSTRAP_DIR=$scratch/debootstrap/usr/share/debootstrap
        debootstrap=$scratch/debootstrap/usr/sbin/debootstrap
    fi
    # An older debootstrap has no script of a newer suite's name; Debian's are all the same one.
    script=${DEBOOTSTRAP_DIR:-/usr/share/debootstrap}/scripts/$suite
    [[ -e $script ]] || script=$(dirname "$script")/sid
    "$debootstrap" --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror" "$script"
    touch "$root/.base-done"
fi

# Smaller and faster: no manuals, no translations but Korean, no recommended packages, no fsync for each package.
cat >"$root/etc/dpkg/dpkg.cfg.d/slim" <<'SLIM'
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*/LC_MESSAGES/*.mo
path-include=/usr/share/locale/ko/LC_MESSAGES/*.mo
path-exclude=/usr/share/gtk-doc/*
SLIM
cat >"$root/etc/apt/apt.conf.d/slim" <<'SLIM'
APT::Install-Recommends "false";
APT::Install-Suggests "false";
Acquire::Languages "none";
Acquire::Check-Valid-Until "false";
Acquire::Retries "3";
Dpkg::Use-Pty "0";
SLIM
echo 'ko_KR.UTF-8 UTF-8' >"$root/etc/locale.gen" # the package `locales` makes it
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"

# The machine's own way into the network works inside as well.
cp -f /etc/resolv.conf "$root/etc/resolv.conf" || true
for file in /etc/apt/apt.conf.d/*proxy*; do
    [[ ! -e $file ]] || cp -f "$file" "$root/etc/apt/apt.conf.d/"
done
[[ ! -e /etc/ssl/certs/ca-certificates.crt ]] || cp -f /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"

inside() {
    env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        chroot "$root" "$@" 9>&-
}
mkdir -p "$root/proc" "$root/host"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
inside dpkg --configure -a
inside apt-get update -qq
inside apt-get install -y -qq "${packages[@]}" </dev/null
# A root of an earlier recipe has left GIMP's and GTK's Korean out.
[[ -e $root/usr/share/locale/ko/LC_MESSAGES/gimp30-libgimp.mo ]] ||
    inside apt-get install -y -qq --reinstall gimp-data libgimp-3.0-0 libgtk-3-common </dev/null
rm -rf "$root"/usr/lib/*/gimp/3.0/extensions/* # a demonstration: five plug-ins that GIMP asks at each first start
inside apt-get clean
rm -rf "$root"/var/lib/apt/lists/*
inside gimp-console --version
of_series || {
    echo "Debian $suite has GIMP $(gimp_version) now, and these tests were written for GIMP $series."
    echo "Change the number in SUITES in tests/gimp_plugin/gimp3/harness.py, see what fails, and say in README.md which GIMP it is."
    exit 1
}
unmount
touch "$stamp"
