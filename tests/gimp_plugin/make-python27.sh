#!/usr/bin/env bash
# Make a real CPython 2.7, for the tests of the GIMP 2.10 plug-in: make-python27.sh [DIR] prints the path of the interpreter.
# It comes out of Debian 11's packages, unpacked into DIR; nothing is installed on the machine. Done at once when it is there.
# Needs Debian, or a system with its archive keys, apt-get and dpkg-deb, and the network; no root.
set -euo pipefail
cache=${DEEPDREAM_CACHE:-}
[[ -n $cache ]] || { (( EUID == 0 )) && cache=/var/cache/deepdream || cache=${XDG_CACHE_HOME:-$HOME/.cache}/deepdream; }
dir=${1:-$cache/python27}
if [[ -x $dir/python2.7 ]]; then
    echo "$dir/python2.7"
    exit 0
fi
key=/usr/share/keyrings/debian-archive-keyring.gpg
for need in apt-get dpkg dpkg-deb flock; do
    command -v "$need" >/dev/null || { echo "needs $need, so a Debian" >&2; exit 1; }
done
[[ -r $key ]] || { echo "needs $key (package debian-archive-keyring)" >&2; exit 1; }
# The mirror that this machine uses.
mirror=$({ awk '$1 == "URIs:" { print $2 }' /etc/apt/sources.list.d/debian.sources
           awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^[a-z]+:\/\//) print $i }' /etc/apt/sources.list; } 2>/dev/null |
         grep -m 1 -E '/debian/?$' || true)
[[ -n $mirror ]] || { echo "needs a Debian mirror in apt's sources" >&2; exit 1; }

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
exec 9>"$dir/.lock"
flock 9 # the tests of several processes may want it at once
if [[ -x $dir/python2.7 ]]; then
    echo "$dir/python2.7"
    exit 0
fi
work=$(mktemp -d "$dir/.making-XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/deb" "$work/files"
: >"$work/state/status"
echo "deb [signed-by=$key] $mirror bullseye main" >"$work/sources.list"
apt=(-o "Dir::State=$work/state" -o "Dir::State::status=$work/state/status" -o "Dir::Cache=$work/cache"
     -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
     -o APT::Update::Post-Invoke-Success::= -o Acquire::Languages=none -o Acquire::Check-Valid-Until=false
     -o "APT::Sandbox::User=$(id -un)" -o "APT::Architecture=$(dpkg --print-architecture)")
apt-get "${apt[@]}" update -qq >&2
# The interpreter, its library, and two old shared libraries for ctypes and hashlib.
(cd "$work/deb" && apt-get "${apt[@]}" download -qq \
    python2.7-minimal libpython2.7-minimal libpython2.7-stdlib libffi7 libssl1.1 >&2)
for package in "$work"/deb/*.deb; do dpkg-deb -x "$package" "$work/files"; done
libraries=$(cd "$work/files" && dirname "$(find usr/lib -name 'libffi.so.7' | head -n 1)")
rm -rf "$dir/files"
mv "$work/files" "$dir/files"
cat >"$work/python2.7" <<SH
#!/bin/sh
LD_LIBRARY_PATH="$dir/files/$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$dir/files/usr/bin/python2.7" "\$@"
SH
chmod +x "$work/python2.7"
"$work/python2.7" -c 'import ctypes, hashlib, json, subprocess, threading'
mv "$work/python2.7" "$dir/python2.7"
echo "$dir/python2.7"
