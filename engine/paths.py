"""Paths as users give them: looked at, opened and made up so that none of them ends or stops the program.

A path can be anything: a name too long for any folder, a link to itself, a FIFO that nobody writes to, the
same file under another name.  The questions here answer for all of them; the answer is "no" where the system
refuses to tell, so that reading or writing fails next, in its own words.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable
    from io import BufferedReader

FOLDING: Final = ("darwin", "win32")
"""Systems on which `A.png` and `a.png` are mostly one file."""

LONGEST: Final = 255
"""Bytes of a file's name, at most, on nearly all file systems."""

STDOUT: Final = frozenset(["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
"""Paths that mean standard output, whatever that is at the time."""

DEVICE: Final = "device"
"""What `kind` calls devices such as /dev/null and terminals, which can be written to as they are."""

_KINDS: Final = (
    (stat.S_ISFIFO, "FIFO"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISCHR, DEVICE),
    (stat.S_ISBLK, "disk"),
)


class Irregular(OSError):  # noqa: N818 - it is a kind of path
    """A path that leads to a FIFO, a socket or a device, where a file is wanted."""

    def __init__(self, kind: str, hint: str = "") -> None:
        super().__init__(errno.EINVAL, f"it is a {kind}, not a file")
        self.kind = kind
        self.hint = hint if kind == "FIFO" else ""
        """A way out for users; empty where there is none."""


def exists(path: str | Path) -> bool:
    """Tell whether a path leads to anything."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises, before Python 3.14


def is_folder(path: str | Path) -> bool:
    """Tell whether a path leads to a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - as above


def is_file(path: str | Path) -> bool:
    """Tell whether a path leads to an ordinary file."""
    return os.path.isfile(path)  # noqa: PTH113 - as above


def working_folder_exists() -> bool:
    """Tell whether there is a folder that relative paths begin in; it can be deleted under a program."""
    try:
        return bool(Path.cwd())
    except OSError:
        return False


def is_link(path: str | Path) -> bool:
    """Tell whether a path is a symbolic link or a junction, wherever that leads."""
    is_junction = getattr(os.path, "isjunction", os.path.islink)  # Windows has them, Python since 3.12
    return os.path.islink(path) or is_junction(path)  # noqa: PTH114 - as above


def may_be_file(path: Path) -> bool:
    """Tell whether a path leads to an ordinary file, for all that is known: one that is gone counts."""
    return not (is_folder(path) or kind(path))


def disk(folder: Path) -> int | None:
    """Return a number for the file system that holds a folder, or will hold it; None if it is not known."""
    for place in (folder, *folder.parents):
        try:
            return place.stat().st_dev
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            return None
    return None


def kind(path: str | Path) -> str:
    """Return in a word what a path leads to that is neither file nor folder; empty for all else."""
    try:
        return _kind(os.stat(path))  # noqa: PTH116 - takes text too
    except (OSError, ValueError):
        return ""


def state(path: str | Path) -> tuple[int, int] | None:
    """Return when a file was changed last and its size, to know it again; None where there is nothing."""
    try:
        about = os.stat(path)  # noqa: PTH116 - takes text too
    except (OSError, ValueError):
        return None
    return about.st_mtime_ns, about.st_size


def taken(path: Path) -> bool:
    """Tell whether a result that is written there would replace something."""
    return exists(path) and not kind(path)


def place(path: Path) -> str:
    """Return the same text for all paths that lead to the same place, even if nothing is there yet.

    On systems whose disks mostly take capitals for small letters, so does this.
    """
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):  # a name that no file can have, or no working folder
        real = str(path)
    return folded(real) if sys.platform in FOLDING else real


def folded(text: str) -> str:
    """Return the same text for all names that are one on disks that take capitals for small letters."""
    return unicodedata.normalize("NFC", text).casefold()


def from_bytes(name: bytes) -> Path:
    """Return the path that a file's name in a list means, byte for byte."""
    try:
        return Path(os.fsdecode(name))
    except UnicodeDecodeError:  # on Windows, where no file has such a name
        return Path(name.decode(errors="replace"))


def check_name(path: str | Path) -> None:
    """Raise OSError for a path that no file can have: one with a null byte, or that cannot be encoded."""
    try:
        if b"\0" not in os.fsencode(path):
            return
    except UnicodeEncodeError:
        pass
    raise OSError(errno.EINVAL, "no file can have such a name")


def open_file(path: Path) -> BufferedReader:
    """Open a file to read; raise OSError, here and never later, for all that is not an ordinary file.

    Nothing is waited for: a FIFO is not opened at all.
    """
    check_name(path)
    _check_regular(path.stat())
    file = open(path, "rb", opener=_without_waiting)  # noqa: SIM115 - Path.open takes no opener
    try:
        _check_regular(os.fstat(file.fileno()))  # it may have been replaced since
    except BaseException:
        file.close()
        raise
    return file


def named(stem: str, ending: str, longest: int = LONGEST) -> str:
    """Return a file's name, its stem shortened where the whole has more than `longest` bytes.

    The same stem always gives the same name, and different stems different ones.
    """
    if len(_encoded(stem + ending)) <= longest:
        return stem + ending
    mark = "~" + hashlib.sha256(_encoded(stem)).hexdigest()[:8]
    room = longest - len(_encoded(mark + ending))
    while stem and len(_encoded(stem)) > room:
        stem = stem[:-1]  # whole characters only
    return stem + mark + ending


def with_suffix(path: str | os.PathLike[str], suffix: str) -> Path:
    """Return a path to write to: with `suffix` where it has none, unless it leads to a device."""
    path = Path(path)
    whole = path.suffix or not path.name or kind(path) or str(path) in STDOUT
    return path if whole else path.with_name(path.name + suffix)


class Kept:
    """Files that a run reads, and so must not replace, under whatever name and through whatever link."""

    def __init__(self, files: Iterable[tuple[str, str | os.PathLike[str] | Hashable]] = ()) -> None:
        """Take files by what they are: `("the input", path)`; those that are not there don't count."""
        self._known = {_identity(path): what for what, path in files}
        self._known.pop(None, None)

    def refuse(self, target: Path | Hashable) -> None:
        """Raise UsageError where a result would replace one of the files."""
        key = _identity(target)
        if key in self._known:
            raise UsageError(f"{target} is {self._known[key]}", hint="write the result to another file")


def _check_regular(about: os.stat_result) -> None:
    if stat.S_ISDIR(about.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if found := _kind(about):
        raise Irregular(
            found, "pipe it in: cat FIFO | deepdream dream -; or make a file of it: cat FIFO > FILE"
        )


def _kind(about: os.stat_result) -> str:
    return next((name for is_kind, name in _KINDS if is_kind(about.st_mode)), "")


def _encoded(name: str) -> bytes:
    """Return a name as bytes, even one that no file can have."""
    try:
        return os.fsencode(name)
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogatepass")


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _identity(path: str | os.PathLike[str] | Hashable) -> Hashable | None:
    """Return what a file is known by, whatever its name; None where there is nothing of the kind.

    What is no path, such as a file in a store, is known by itself.
    """
    if not isinstance(path, str | os.PathLike):
        return path
    try:
        about = os.stat(path)  # noqa: PTH116 - takes text too
    except (OSError, ValueError):
        return None
    regular = stat.S_ISREG(about.st_mode) and about.st_ino
    return (about.st_dev, about.st_ino) if regular else None
