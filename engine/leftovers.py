"""What unfinished files are called, and the removal of those whose program was killed.

A name says which process writes the file.  So the next run knows the files that nobody will finish, and never
touches those of a run that is still at work: in this folder, on this machine, in a container or on another
machine that shares the folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import secrets
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any, Final

PART: Final = r"\.deepdream-[0-9a-f]{12}-([0-9a-f]{8})-([0-9a-f]{1,8})-([0-9a-f]{1,16})\.part"
"""Pattern of the names that unfinished files have: something new, then where, which and since when the
process is that writes it.  They are short, because a file's own name may be as long as names can be."""

WEEK: Final = 7 * 24 * 3600.0
"""Seconds after which an untouched file is removed whose process cannot be looked up, as on another
machine."""


def part_beside(place: Path) -> Path:
    """Return a new name for an unfinished file; remove what killed runs have left in the same folder."""
    _sweep(Path(os.path.abspath(place.parent)))  # noqa: PTH100 - Path.absolute keeps ".."
    process = os.getpid()
    name = f".deepdream-{secrets.token_hex(6)}-{_here()}-{process:x}-{_began(process) or 0:x}.part"
    return place.with_name(name)


@functools.lru_cache(maxsize=256)
def _sweep(folder: Path) -> None:
    """Remove what killed runs have left in a folder.

    It is listed only once in a run, since it may hold very many files.
    """
    form = re.compile(PART)
    with contextlib.suppress(OSError):
        for name in [x for x in os.listdir(folder) if form.fullmatch(x)]:  # noqa: PTH208 - names suffice
            with contextlib.suppress(OSError):
                if _is_left(folder / name, form):
                    (folder / name).unlink()


def _is_left(part: Path, form: re.Pattern[str]) -> bool:
    """Tell whether nobody will finish a file."""
    found = form.fullmatch(part.name)
    if found is not None and found[1] == _here():
        return _has_ended(int(found[2], 16), int(found[3], 16))
    return time.time() - part.lstat().st_mtime > WEEK


@functools.lru_cache
def _here() -> str:
    """Return 8 hexadecimal digits for where processes' numbers are unique; new ones where that is unknown.

    That is this machine until it is started anew, and in a container only the container.
    """
    try:
        where = _numbering()
    except (OSError, ImportError):
        where = secrets.token_hex(16)
    return hashlib.sha256(where.encode()).hexdigest()[:8]


def _numbering() -> str:
    if sys.platform != "linux":
        return f"{platform.node()} {int(_psutil().boot_time())}"
    return Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())


def _has_ended(process: int, began: int) -> bool:
    """Tell whether a process of this machine has ended for certain, even if its number is in use again."""
    now = _began(process)
    return now != began if now is not None and began else not _may_exist(process)


def _may_exist(process: int) -> bool:
    if sys.platform != "linux":
        with contextlib.suppress(ImportError):
            return bool(_psutil().pid_exists(process))
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def _began(process: int) -> int | None:
    """Return when a process began, in a unit of the system's; 0 if it has ended, None if that is unknown."""
    if sys.platform != "linux":
        with contextlib.suppress(Exception):  # psutil is missing or has errors of its own
            return int(_psutil().Process(process).create_time() * 1000)
        return None
    try:
        words = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:  # not there, or hidden
        return None
    return 0 if words[0] in b"ZX" else int(words[19])  # Z: killed, and not yet missed by its parent


def _psutil() -> Any:
    return import_module("psutil")  # installed where it is needed, which is not on Linux
