"""Ends what is left of a cluster of this machine once the command that started it has ended, however it did.

A program of its own, which `started` runs: its standard input ends when the command does.  It imports nothing
of Ray's or of ours, so that it takes little.

Ray's processes end with the command, but not those that they have started in turn: these try for a minute to
tell a cluster of it that is gone.  What belongs to the cluster is told by its folder: each of its processes
was started by Ray with its name, or writes to a file in it.  Where there is no /proc, Ray's own reaper has
to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PAUSE: Final = 0.1
"""Seconds between two looks at what is left: whoever is killed needs a moment to go."""

ROUNDS: Final = 100
"""Looks, at most: what cannot be killed, as in a disk's sleep, is left alone."""


def started(folder: str) -> subprocess.Popen[bytes]:
    """Watch over the cluster in a folder; once standard input is closed, or this process gone, remove both.

    Raises OSError where no process can be started.
    """
    # With a session of its own: neither Ctrl-C in a terminal nor the end of one reaches it.
    return subprocess.Popen(  # noqa: S603 - this Python, this file
        [sys.executable, "-I", "-S", __file__, folder, str(os.getpid())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(sys.executable).anchor or "/",  # so that no folder is kept in use
        start_new_session=True,
    )


def keep(folder: str, command: int) -> None:
    """Wait for the end of standard input; then end the cluster's processes, and remove its folder.

    The command itself, which may still be there, is left alone.
    """
    while sys.stdin.buffer.read(1):  # nobody writes
        pass
    found = (
        1  # one that is only just being started has another's name for a moment: so it ends with two looks
    )
    for _ in range(ROUNDS):
        before, found = found, 0
        for process in _left(os.fsencode(folder), command):
            found += 1
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        if not before and not found:
            break
        time.sleep(PAUSE)
    shutil.rmtree(folder, ignore_errors=True)


def _left(folder: bytes, command: int) -> Iterator[int]:
    """Yield the processes that are the cluster's, not somebody's who looks at its folder or removes it."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it is gone, or another user's
            number = int(process.name)
            if number != command and (_is_rays(process, folder) or _writes(process, folder)):
                yield number


def _is_rays(process: Path, folder: bytes) -> bool:
    words = (process / "cmdline").read_bytes()
    return folder in words and b"/ray/" in words


def _writes(process: Path, folder: bytes) -> bool:
    """Tell whether a process has a file in the folder open for writing, as its log."""
    return any(
        _target(x).startswith(folder + b"/") and x.lstat().st_mode & stat.S_IWUSR
        for x in (process / "fd").iterdir()
    )


def _target(link: Path) -> bytes:
    try:
        return os.fsencode(os.readlink(link))  # noqa: PTH115 - a socket, for one, is no path
    except OSError:
        return b""


if __name__ == "__main__":
    keep(sys.argv[1], int(sys.argv[2]))
