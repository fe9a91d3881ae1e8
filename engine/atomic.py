"""Files that appear whole or not at all: written beside their place, under another name, then renamed.

A file that is replaced keeps its permissions, and a link stays a link: what it leads to is replaced.  A
device is written to as it is.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import leftovers, paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engine.errors import DreamError

PART: Final = leftovers.PART
"""Pattern of the names that unfinished files have."""

FULL: Final = frozenset(getattr(errno, x) for x in ("ENOSPC", "EDQUOT", "EROFS") if hasattr(errno, x))
"""Errors after which nothing else can be written in the same place either."""

UNSETTLED: Final = frozenset(getattr(errno, x) for x in ("EINVAL", "ENOSYS", "ENOTSUP") if hasattr(errno, x))
"""Errors of file systems that have no way to be told to write now."""

BLOCK: Final = 4096
"""Bytes that `check` writes: an empty file can be made on a full disk, too."""

_unfinished: Final[set[Path]] = set()
"""The files that this process has to remove if it ends before its time."""


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Give a path to write to, whose file replaces `target` at the end; it exists already, and is empty.

    Nothing is left of it, and `target` stays as it was, where that is interrupted by any exception.  Raises
    OSError where no such file can be made.
    """
    place = _place(target)
    if paths.kind(place):
        yield place
        return
    with _part_beside(place) as part:
        try:
            taking_over = _create(part, place)
            yield part
            _settle(part)
            taking_over()
            part.replace(place)
        except BaseException:  # Ctrl-C too
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
            raise


def remember(file: Path) -> None:
    """Have a file of this process removed by `abandon`."""
    _unfinished.add(file)


def forget(file: Path) -> None:
    """Leave a file, which is removed or finished, to itself."""
    _unfinished.discard(file)


def abandon() -> None:
    """Remove every unfinished file of this process, which is about to end without Python's help."""
    for part in tuple(_unfinished):
        with contextlib.suppress(OSError):
            part.unlink()


@contextlib.contextmanager
def explaining(target: Path, refusal: type[DreamError]) -> Iterator[None]:
    """Turn each OSError into a `refusal` that says in words why `target` cannot be written."""
    try:
        paths.check_name(target)
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if isinstance(error, FileNotFoundError):  # some file systems say so of what they refuse to make, too
            folder = (Path(os.path.realpath(target)) if paths.is_link(target) else target).parent
            missing = not paths.is_folder(folder)
            reason = f"there is no folder {folder}" if missing else f"{folder} takes no files"
            if not (folder.is_absolute() or paths.working_folder_exists()):
                reason = "the folder that this runs in was deleted"
        hint = getattr(error, "hint", "")  # and none of the refusal's own: what is wrong is the place
        if error.errno in FULL:
            hint = "write elsewhere" if error.errno == errno.EROFS else "make room there, or write elsewhere"
        raise refusal(f"{target} cannot be written: {reason}", hint=hint) from error


def check(target: Path, refusal: type[DreamError]) -> None:
    """Raise a `refusal` unless a file can be made at `target`; leave nothing behind."""
    with explaining(target, refusal):
        with contextlib.suppress(FileNotFoundError):
            target.lstat()  # raises where no file can have such a name
        if paths.is_folder(target):
            raise refusal(f"{target} is a folder")
        place = _place(target)
        if paths.kind(place):
            place.open("wb").close()
            return
        with _part_beside(place) as part:
            try:
                part.write_bytes(bytes(BLOCK))
            finally:
                part.unlink(missing_ok=True)


def is_full(error: BaseException | None) -> bool:
    """Tell whether an error goes back to a disk that takes nothing more."""
    return fullness(error) is not None


def fullness(error: BaseException | None) -> int | None:
    """Return which of the errors of such a disk one goes back to; None for none of them."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return error.errno
        error = error.__cause__
    return None


@contextlib.contextmanager
def _part_beside(place: Path) -> Iterator[Path]:
    """Give a new name for an unfinished file, which `abandon` knows as long as it is in use."""
    part = leftovers.part_beside(place)
    remember(part)
    try:
        yield part
    finally:
        forget(part)


def _place(target: Path) -> Path:
    """Return where a file for `target` goes: where it leads, if it is a link.

    Raises OSError for a link that leads round in a circle, and for a FIFO, a socket or a disk.
    """
    place = target
    if paths.is_link(target):
        try:
            place = Path(os.path.realpath(target, strict=True))
        except FileNotFoundError:  # a link to a file that is still to come
            place = Path(os.path.realpath(target))
    if paths.kind(place) not in {"", paths.DEVICE}:
        raise paths.Irregular(paths.kind(place), "write to it through standard output: -o - > FIFO")
    return place


def _settle(part: Path) -> None:
    """Have a file's content on the disk before it gets its name: else the power can fail between the two.

    Disks in the network tell only here that they are full.
    """
    file = os.open(part, os.O_RDWR)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in UNSETTLED:
            raise
    finally:
        os.close(file)


def _create(part: Path, place: Path) -> Callable[[], None]:
    """Create the file, with the permissions of the one that it replaces, or with those of any new file.

    Returns what is to be called when it is written: that gives it the other's owner, too.
    """
    try:
        before = place.stat()
    except FileNotFoundError:
        before = None
    mode = 0o666 if before is None else stat.S_IMODE(before.st_mode) & 0o777
    file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    mode = stat.S_IMODE(os.fstat(file).st_mode) if before is None else mode
    os.close(file)
    if os.name != "posix":  # Windows has no such permissions
        return lambda: None
    _permit(part, mode | stat.S_IWUSR)  # or it could not be written to

    def taking_over() -> None:
        for owner, group in () if before is None else ((before.st_uid, -1), (-1, before.st_gid)):
            with contextlib.suppress(OSError):  # only root may give a file away
                os.chown(part, owner, group)
        _permit(part, mode)

    return taking_over


def _permit(part: Path, mode: int) -> None:
    """Give a file its permissions, where the file system has such; one without still holds pictures."""
    if stat.S_IMODE(part.stat().st_mode) != mode:
        with contextlib.suppress(OSError):
            part.chmod(mode)
