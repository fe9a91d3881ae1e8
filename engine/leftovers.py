"""What unfinished files are called, and the removal of those whose program was killed.

A name says which process writes the file.  So the next run knows the files that nobody will finish, and never
touches those of a run that is still at work: in this folder, on this machine, in a container or on another
machine that shares the folder.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import secrets
import time
from pathlib import Path
from typing import Final

from engine import processes

PART: Final = r"\.deepdream-[0-9a-f]{12}-([0-9a-f]{8})-([0-9a-f]{1,8})-([0-9a-f]{1,16})\.part"
"""Pattern of the names that unfinished files have: something new, then where, which and since when the
process is that writes it.  They are short, because a file's own name may be as long as names can be."""

WEEK: Final = 7 * 24 * 3600.0
"""Seconds after which an untouched file is removed whose process cannot be looked up, as on another
machine."""


def part_beside(place: Path) -> Path:
    """Return a new name for an unfinished file; remove what killed runs have left in the same folder."""
    _sweep_once(Path(os.path.abspath(place.parent)))  # noqa: PTH100 - Path.absolute keeps ".."
    return place.with_name(f".deepdream-{secrets.token_hex(6)}-{processes.this()}.part")


def sweep(folder: Path) -> None:
    """Remove what killed runs have left in a folder."""
    form = re.compile(PART)
    with contextlib.suppress(OSError):
        for name in [x for x in os.listdir(folder) if form.fullmatch(x)]:  # noqa: PTH208 - names suffice
            with contextlib.suppress(OSError):
                if _is_left(folder / name, form):
                    (folder / name).unlink()


@functools.lru_cache(maxsize=256)
def _sweep_once(folder: Path) -> None:
    """Do so once in a run: a folder may hold very many files."""
    sweep(folder)


def _is_left(part: Path, form: re.Pattern[str]) -> bool:
    """Tell whether nobody will finish a file."""
    found = form.fullmatch(part.name)
    ended = None if found is None else processes.has_ended("-".join(found.groups()))
    return time.time() - part.lstat().st_mtime > WEEK if ended is None else ended
