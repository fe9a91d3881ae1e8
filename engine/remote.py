"""Files in stores, named by URL: `s3://bucket/folder/photo.jpg`; fsspec reaches them.

Only the protocols in `PROTOCOLS` are known here, and a URL names one file: what else a URL of fsspec's can
mean, such as another machine's shell or a file in an archive in a web page, is refused.  Credentials come
from where fsspec and the store's own library look for them, never from a URL.

`file://` is a folder that several machines share.  It is read and written as any other file is.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from engine import atomic, paths
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROTOCOLS: Final = {"s3": "s3fs", "gs": "gcsfs", "file": "fsspec"}
"""What URLs may begin with, and the package that reaches such a store."""

BLOCK: Final = 64 * 1024
"""Bytes that are fetched at once of a file that is not read whole: enough for a header with its recipe."""

_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]+://")
_MAGIC: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, order=True)
class Remote:
    """A file or a folder in a store, whether or not it is there; it has the same names as a `Path`."""

    protocol: str
    """One of `PROTOCOLS`."""

    path: str
    """Where it is in the store, beginning with the bucket, without a slash at the end."""

    changed: float | None = field(default=None, compare=False, repr=False)
    """When the store itself says that the file was written, in seconds since 1970; None if that is unknown.

    Clocks and copies have no part in it, as they have in the times of files on a disk.
    """

    @classmethod
    def of(cls, url: str) -> Remote:
        """Read a URL; raise UsageError for one that is not taken here."""
        protocol, _, path = url.partition("://")
        if protocol not in PROTOCOLS:
            known = ", ".join(f"{x}://" for x in PROTOCOLS)
            raise UsageError(f"{url} is not a URL that is read or written here", hint=f"these are: {known}")
        bucket = path.partition("/")[0]
        strange = not path or "::" in path or "\0" in path or "@" in bucket
        if strange or (protocol == "file") != path.startswith("/"):
            shown = f"{protocol}://…" if "@" in bucket else url  # what stands before an @ is mostly a secret
            raise UsageError(
                f"{shown} does not name a file or a folder in a store",
                hint="for example s3://bucket/folder/photo.jpg or file:///shared/photo.jpg; credentials come "
                "from the environment and the store's own files",
            )
        return cls(protocol, path.rstrip("/") or "/")

    def __str__(self) -> str:
        return f"{self.protocol}://{self.path}"

    def __truediv__(self, other: str | PurePath) -> Remote:
        inner = PurePath(other).as_posix()
        return self if inner == "." else Remote(self.protocol, f"{self.path.rstrip('/')}/{inner}")

    @property
    def name(self) -> str:
        """Its last part."""
        return self.path.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """Its last part without a suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """The suffix of its last part, with a point; empty without one."""
        return PurePosixPath(self.name).suffix

    @property
    def parent(self) -> Remote:
        """The folder that it lies in."""
        return Remote(self.protocol, self.path.rpartition("/")[0])

    def is_pattern(self) -> bool:
        """Tell whether it stands for what matches it; like a path, it does not where it is a name itself."""
        if not _MAGIC.search(self.path):
            return False
        with contextlib.suppress(OSError), _in_words():
            return not self._store.exists(self.path)
        return True

    def is_folder(self) -> bool:
        """Tell whether something lies below it; no, where the store refuses to tell."""
        with contextlib.suppress(OSError), _in_words():
            return bool(self._store.isdir(self.path))
        return False

    def open(self) -> io.BufferedReader:
        """Open it to read, whole or in blocks; raise OSError where that cannot be done."""
        if self.protocol == "file":
            return paths.open_file(Path(self.path))
        return io.BufferedReader(_Stream(self), BLOCK)

    def size(self) -> int:
        """Return how many bytes it has; raise OSError where there is no such file."""
        with _in_words():
            about = self._store.info(self.path)
        if about["type"] != "file":
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return int(about["size"])

    def content(self, start: int, end: int | None = None) -> bytes:
        """Return its bytes from `start` up to `end`, None for the last one, in one request."""
        with _in_words():
            return bytes(self._store.cat_file(self.path, start=start, end=end))

    def write(self, content: bytes | memoryview, *, replace: bool = False) -> None:
        """Write it, whole or not at all; raise OSError where that cannot be done.

        Raises FileExistsError where it is there already, unless it is to be replaced.  On a disk, in a folder
        that is made where it is missing, a file is replaced in any case.
        """
        if self.protocol == "file":
            file = Path(self.path)
            file.parent.mkdir(parents=True, exist_ok=True)
            with atomic.replacing(file) as part:
                part.write_bytes(content)
            return
        with _in_words():
            self._store.pipe_file(self.path, bytes(content), mode="overwrite" if replace else "create")

    def files(self, *, deep: bool = False) -> tuple[list[Remote], int]:
        """List the files in it, with `deep` all below, sorted, and how many folders are left out.

        Raises FileNotFoundError where there is nothing of the kind, and other OSErrors.
        """
        with _in_words():
            if deep:
                found = list(self._store.find(self.path, detail=True).values())
            else:
                found = self._store.ls(self.path, detail=True)
            if not found and not self._store.exists(self.path):
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        files = sorted(self._found(x) for x in found if x["type"] == "file")
        return files, sum(x["type"] == "directory" for x in found)

    def matching(self) -> list[Remote]:
        """Return the files that match it as a pattern, sorted."""
        with _in_words():
            found = self._store.glob(self.path, detail=True).values()
        return sorted(self._found(x) for x in found if x["type"] == "file")

    def _found(self, info: dict[str, Any]) -> Remote:
        """Return a file that the store tells of."""
        changed = info.get("LastModified") or info.get(
            "updated"
        )  # of S3 and Google: other stores have clocks
        if isinstance(changed, str):
            changed = datetime.fromisoformat(changed)
        seconds = changed.timestamp() if isinstance(changed, datetime) else None
        name = info["name"] if self.protocol == "file" else info["name"].lstrip("/")
        return Remote(self.protocol, name, seconds)

    @property
    def _store(self) -> Any:
        return _store(self.protocol)


class _Stream(io.RawIOBase):
    """A file in a store, read where it is asked for."""

    def __init__(self, place: Remote) -> None:
        self._place, self._size, self._at = place, place.size(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if self._at < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        return self._at

    def readinto(self, buffer: Any, /) -> int:
        end = min(self._at + len(buffer), self._size)
        content = self._place.content(self._at, end) if self._at < end else b""
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def readall(self) -> bytes:
        content = self._place.content(self._at) if self._at < self._size else b""
        self._at += len(content)
        return content


Place: TypeAlias = Path | Remote
"""Where a file is: on this machine or in a store."""


def is_url(text: str) -> bool:
    """Tell whether a text is meant as a URL, known or not."""
    return _URL.match(text) is not None


def place_of(text: str) -> Place:
    """Return what a user's text names; raise UsageError for a URL that is not taken here."""
    return Remote.of(text) if is_url(text) else Path(text)


def place_key(place: Place) -> str:
    """Return the same text for all names of one place; see `paths.place`."""
    return str(place) if isinstance(place, Remote) else paths.place(place)


def open_place(place: Place) -> io.BufferedReader:
    """Open a file to read; raise OSError for all that cannot be read."""
    return place.open() if isinstance(place, Remote) else paths.open_file(place)


def _store(protocol: str) -> Any:
    """Return what reaches a store; raise UsageError where its package is missing.

    Nothing that it has listed is kept: what was missing can be there by now.
    """
    package = PROTOCOLS[protocol]
    try:
        return import_module("fsspec").filesystem(protocol, use_listings_cache=False)
    except ImportError as error:
        brought = package in {"fsspec", "s3fs"}
        install = 'pip install "deepdream-onnx[remote]"' if brought else f"pip install {package}"
        raise UsageError(f"{protocol}:// needs {package}, which is not installed", hint=install) from error


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """Turn whatever a store's library raises into an OSError with a number and a reason."""
    try:
        yield
    except UsageError:
        raise
    except OSError as error:
        if error.strerror:
            raise
        number = next((y for x, y in _NUMBERS.items() if isinstance(error, x)), errno.EIO)
        raise OSError(number, _reason(error)) from error  # of the same class, which follows from the number
    except Exception as error:
        number = errno.EACCES if "Credentials" in type(error).__name__ else errno.EIO
        raise OSError(number, _reason(error)) from error


_NUMBERS: Final = {
    FileNotFoundError: errno.ENOENT,
    FileExistsError: errno.EEXIST,
    PermissionError: errno.EACCES,
}


def _reason(error: Exception) -> str:
    """Return in one line why a store refused."""
    return " ".join(str(error).split()) or type(error).__name__
