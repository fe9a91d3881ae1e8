"""Where something came from: a file's bare name and the sha256 of its content, never its folder."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from engine.errors import ImageError, UsageError
from engine.remote import open_place
from engine.settings.setting import brief

if TYPE_CHECKING:
    import os

    from engine.remote import Place

LONGEST: Final = 255
"""Characters of a file's name, at most."""

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_FOREIGN: Final = re.compile(r'[/\\:*?"<>|]')


@dataclass(frozen=True)
class Origin:
    """A file that took part in a picture.  Raises UsageError for a path or an invalid sha256."""

    name: str
    """The file's name without folders; empty if there was no file."""

    sha256: str
    """Of the file's content, or of the pixels if there was no file; 64 lower-case hexadecimal digits."""

    def __post_init__(self) -> None:
        if self.name and self.name != bare_name(self.name):
            raise UsageError(f"{brief(self.name)} is not a bare name of a file")
        check_digest(self.sha256)


def bare_name(path: str | os.PathLike[str]) -> str:
    """Return a path's last part, with `_` for characters that could lead elsewhere or cannot be shown."""
    name = _FOREIGN.sub("_", PurePath(path).name)[:LONGEST]
    name = "".join(x if x.isprintable() else "_" for x in name)
    return name if name.strip(". ") else "_"


def check_digest(digest: str) -> str:
    """Return a sha256 of 64 lower-case hexadecimal digits; raise UsageError for any other text."""
    if not _DIGEST.fullmatch(digest):
        raise UsageError(f"{brief(digest)} is not a valid sha256")
    return digest


def origin_of(file: Place) -> Origin:
    """Return a file's origin; raise ImageError if it cannot be read."""
    try:
        with open_place(file) as opened:
            return Origin(bare_name(file.name), hashlib.file_digest(opened, "sha256").hexdigest())
    except OSError as error:
        raise ImageError(f"{file} cannot be read: {error.strerror}") from error


def origin_of_bytes(content: bytes, name: str = "") -> Origin:
    """Return the origin of a file's content; `name` is its bare name, empty if there was no file."""
    return Origin(name, hashlib.sha256(content).hexdigest())
