"""Where the shelf is: a folder that the user names and that stays, or one that is removed at the end.

The latter lies where a user's own caches do.  A studio that is killed leaves it behind, and the next one
takes it over: a lock that the system lets go of with its process tells which folder has nobody any more.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine import machine
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


ELSEWHERE: Final = "--keep FOLDER names another folder"

LOCK: Final = "deepdream-studio.lock"
"""The file that is locked, which also tells a shelf from any other folder: what is not whole in it goes."""


@contextlib.contextmanager
def shelf_folder(keep: str | None) -> Iterator[Path]:
    """Give the folder to use; raise UsageError where it cannot be used, or another studio uses it."""
    folder = machine.caches() / "deepdream" / "studio" if keep is None else Path(keep)
    if keep is not None and not _is_ours(folder):
        raise UsageError(f"{folder} holds other things than a studio's shelf", hint=ELSEWHERE)
    try:
        taken = _new(folder) if keep is None else (folder, _locked(folder))
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"the studio cannot keep anything in {folder}: {reason}", hint=ELSEWHERE) from error
    place, lock = taken
    if lock is None:
        raise UsageError(f"another studio uses {folder}", hint=ELSEWHERE)
    try:
        yield place
    finally:
        lock.close()
        if keep is None:
            shutil.rmtree(place, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Tell whether a shelf is in a folder, or can be put there: it is empty, or not there yet."""
    try:
        # An empty disk has lost+found.
        return (folder / LOCK).is_file() or all(x.name == "lost+found" for x in folder.iterdir())
    except OSError:  # not there, or not to be used, which taking it tells
        return True


def _new(base: Path) -> tuple[Path, Any]:
    """Return the folder that a killed studio left behind, or a new one, and its lock."""
    left = sorted(x for x in base.iterdir() if x.is_dir() and not x.is_symlink()) if base.exists() else []
    for folder in (*left, base / secrets.token_hex(8)):
        lock = _locked(folder)
        if lock is not None:
            return folder, lock
    raise AssertionError("nobody else knows the last one")


def _locked(folder: Path) -> Any:
    """Take a folder's lock, which is held as long as the file is open; None where another has it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = (folder / LOCK).open("ab")
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415 - Windows' own

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415 - Windows lacks it

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file
