"""Ends what is left of a cluster of this machine once the command that started it has ended, however it did.

A program of its own, which `started` runs: its standard input ends when the command does.  It imports nothing
of Ray's or of ours, so that it takes little.

Ray's processes end with the command, but not those that they have started in turn: these try for a minute to
tell a cluster of it that is gone.  What belongs to the cluster is told by its folder: each of its processes
was started with its name, or has a file in it open.  Where there is no /proc, Ray's own reaper has to do.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
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
    session = os.getsid(0) if hasattr(os, "getsid") else 0
    # With a session of its own: neither Ctrl-C in a terminal nor the end of one reaches it.
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, folder, str(session)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=os.path.abspath(os.sep),
        start_new_session=True,
    )


def keep(folder: str, session: int) -> None:
    """Wait for the end of standard input; then end the cluster's processes, and remove its folder."""
    while sys.stdin.buffer.read(1):  # nobody writes
        pass
    for _ in range(ROUNDS):
        left = list(_left(os.fsencode(folder), session))
        if not left:
            break
        for process in left:
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE)
    shutil.rmtree(folder, ignore_errors=True)


def _left(folder: bytes, session: int) -> Iterator[int]:
    """Yield the processes of the command's session that have to do with the folder.

    In another terminal somebody may be reading what is in it.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it is gone, or another user's
            number = int(process.name)
            if os.getsid(number) == session and _has_to_do(process, folder):
                yield number


def _has_to_do(process: Path, folder: bytes) -> bool:
    if folder in (process / "cmdline").read_bytes():
        return True
    return any(os.fsencode(_target(x)).startswith(folder) for x in (process / "fd").iterdir())


def _target(link: Path) -> str:
    try:
        return os.readlink(link)  # noqa: PTH115 - a socket, for one, is no path
    except OSError:
        return ""


if __name__ == "__main__":
    keep(sys.argv[1], int(sys.argv[2]))
