"""The folder that pictures and dreams are kept in, and what is known of them.

Each has a folder of its own under a name that nobody can guess, with `record.json` in it.  Nothing that a
client says ever becomes part of a path.
"""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from pydantic import ValidationError

from engine.studio.schema import OVER, Dream, Fault, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = TypeVar("T", Picture, Dream)

log = logging.getLogger(__name__)


class Kept(Generic[T]):
    """All records of one kind, each with a folder."""

    def __init__(self, folder: Path, kind: type[T]) -> None:
        self._folder = folder
        self._kind: type[T] = kind
        self._records: dict[str, T] = {}
        self._seen: dict[str, float] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder.iterdir():
            self._restore(path)

    def __iter__(self) -> Iterator[T]:
        """Yield the records, the newest first."""
        return iter(sorted(self._records.values(), key=lambda x: -x.created))

    def get(self, key: str) -> T | None:
        """Return a record, which now has been looked at; None where there is none."""
        if key in self._records:
            self._seen[key] = time.time()
        return self._records.get(key)

    def folder(self, key: str) -> Path:
        """Return the folder of a record."""
        return self._folder / key

    def new(self) -> str:
        """Make a folder for a new record, and return its name."""
        key = secrets.token_urlsafe(12)
        self.folder(key).mkdir(mode=0o700)
        return key

    def keep(self, record: T) -> None:
        """Keep a record as it is now, on the disk too; raises OSError."""
        self._records[record.id] = record
        self._seen.setdefault(record.id, time.time())
        part = self.folder(record.id) / "record.part"
        part.write_text(record.model_dump_json(), encoding="utf-8")
        part.replace(self.folder(record.id) / "record.json")

    def remove(self, key: str) -> None:
        """Remove a record, and all that belongs to it."""
        self._records.pop(key, None)
        self._seen.pop(key, None)
        shutil.rmtree(self.folder(key), ignore_errors=True)

    def unseen(self, seconds: float) -> list[T]:
        """Return the records that nobody has looked at for so long."""
        since = time.time() - seconds
        return [x for x in self._records.values() if self._seen[x.id] < since]

    def _restore(self, path: Path) -> None:
        try:
            record = self._kind.model_validate_json((path / "record.json").read_bytes())
        except FileNotFoundError:  # what was not whole when the studio was killed
            shutil.rmtree(path, ignore_errors=True)
            return
        except (OSError, ValidationError) as error:  # another version's, perhaps: it stays, unseen
            log.warning("%s cannot be read: %s", path, error)
            return
        if record.id == path.name:
            self._records[record.id] = record
            self._seen[record.id] = time.time()


class Shelf:
    """All that the studio keeps."""

    def __init__(self, folder: Path) -> None:
        """Take a folder, with what an earlier studio left in it."""
        self.folder = folder
        self.pictures = Kept(folder / "pictures", Picture)
        self.dreams = Kept(folder / "dreams", Dream)
        for dream in self.dreams:
            _interrupted(dream)
            self.dreams.keep(dream)

    def used(self) -> int:
        """Return how many bytes all of it takes."""
        found = (os.path.join(at, x) for at, _, names in os.walk(self.folder) for x in names)  # noqa: PTH118
        return sum(map(_size, found))

    def remove(self, dream: Dream) -> None:
        """Remove a dream, and its mask, unless another dream has the same."""
        self.dreams.remove(dream.id)
        mask = self.pictures.get(dream.mask or "")
        if mask is not None and mask.use == "mask" and not self.users(mask.id):
            self.pictures.remove(mask.id)

    def expire(self, seconds: float) -> None:
        """Remove what nobody has looked at for so long, unless it is at work or in use."""
        for dream in self.dreams.unseen(seconds):
            if not busy(dream):
                self.remove(dream)
        for picture in self.pictures.unseen(seconds):
            if not self.users(picture.id):
                self.pictures.remove(picture.id)

    def users(self, picture: str) -> list[Dream]:
        """Return the dreams that a picture takes part in."""
        return [x for x in self.dreams if picture in {x.picture, x.guide, x.mask}]


def busy(dream: Dream) -> bool:
    """Tell whether a dream, or its film, waits or is at work."""
    return dream.status not in OVER or (dream.film is not None and dream.film.status not in OVER)


def _interrupted(dream: Dream) -> None:
    """Say of what was at work when the studio was killed that it is no more; what waited, waits again."""
    fault = Fault(
        detail="the studio ended in the middle of it", hint="take its settings, and dream it once more"
    )
    if dream.status in {"working", "stopping"}:
        dream.status, dream.error, dream.progress, dream.ended = "failed", fault, None, time.time()
    if dream.film is not None and dream.film.status not in OVER:
        dream.film.status, dream.film.error = "failed", fault


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0
