#!/usr/bin/env bash
# gimp-root-run.sh ROOT [-b DIR]... [-e NAME=VALUE]... -- COMMAND [ARG]...
#
# Runs COMMAND inside the Debian root ROOT (see make-gimp-root.sh), in a mount and a process namespace of its
# own: nothing stays mounted, and whatever COMMAND leaves behind (GIMP, a screen, an engine) ends with it.
#   -b DIR         shows the machine's folder DIR inside, at the same path, writable
#   -e NAME=VALUE  sets a variable inside; the environment is otherwise a clean one
# The machine's whole file system is at /host, so that `chroot /host PROGRAM` runs any program of the machine:
# the engine in its own Python, whatever kind that is. The exit status is COMMAND's.
set -euo pipefail
root=$(cd "${1:?usage: gimp-root-run.sh ROOT [-b DIR] [-e NAME=VALUE] -- COMMAND}" && pwd)
shift
folders=() variables=()
while (($#)); do
    case $1 in
        -b) folders+=("$(cd "$2" && pwd -P)"); shift 2 ;;
        -e) variables+=("$2"); shift 2 ;;
        --) shift; break ;;
        *) break ;;
    esac
done
export RUN_ROOT=$root RUN_FOLDERS RUN_VARIABLES
RUN_FOLDERS=$(printf '%s\n' "${folders[@]}")
RUN_VARIABLES=$(printf '%s\n' "${variables[@]}")
# --kill-child: when this shell is killed, the whole namespace goes too.
exec unshare --mount --pid --fork --kill-child=KILL --propagation private bash -c '
    set -euo pipefail
    mkdir -p "$RUN_ROOT/host"
    mount --rbind / "$RUN_ROOT/host"
    mount -t proc proc "$RUN_ROOT/host/proc"           # of the new namespace, as below
    mount -t tmpfs tmpfs "$RUN_ROOT/tmp" -o mode=1777  # sockets and locks of an X server of our own
    mount --rbind /dev "$RUN_ROOT/dev"
    mount -t tmpfs tmpfs "$RUN_ROOT/dev/shm" -o mode=1777
    mount -t proc proc "$RUN_ROOT/proc"
    mount --rbind /sys "$RUN_ROOT/sys" 2>/dev/null || true
    while IFS= read -r folder; do
        [[ -n $folder ]] || continue
        mkdir -p "$RUN_ROOT$folder"
        mount --rbind "$folder" "$RUN_ROOT$folder"
    done <<<"$RUN_FOLDERS"
    variables=()
    while IFS= read -r variable; do
        [[ -z $variable ]] || variables+=("$variable")
    done <<<"$RUN_VARIABLES"
    status=0
    env -i PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 XDG_RUNTIME_DIR=/tmp \
        "${variables[@]}" chroot "$RUN_ROOT" "$@" || status=$?
    exit "$status" # this shell stays as process 1 and reaps what COMMAND orphans
' gimp-root-run "$@"
