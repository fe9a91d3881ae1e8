"""What lies in stores: the pictures that a URL stands for, and the results that are there already."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, TypeVar

from engine import paths
from engine.batch.events import Failed, Warned
from engine.errors import ImageError
from engine.files import images
from engine.files.formats import READABLE
from engine.remote import Place, Remote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.batch.events import Job

AT_ONCE: Final = 32
"""Requests to a store that wait for their answers at the same time."""

A = TypeVar("A")
B = TypeVar("B")


def is_plural(place: Remote) -> bool:
    """Tell whether a URL can stand for several files: a folder, or a pattern."""
    return place.is_pattern() or place.is_folder()


def find(
    place: Remote, made: Callable[[str], bool], out: Place | None, *, recursive: bool
) -> Iterator[tuple[Remote, PurePath] | Failed | Warned]:
    """Yield the pictures that a URL stands for, each with the folder of its tree, and what else is told.

    Passed over are hidden files, those whose names `made` calls results, and the folder `out`.  A store can
    hold names that no folder can: nothing is written outside the folder of results because of one.
    """
    text = str(place)
    if not is_plural(place):
        yield place, PurePath()
        return
    try:
        if place.is_pattern():
            files = [x for x in place.matching() if not made(x.name)]
            yield from ((x, PurePath()) for x in files)
            if not files:
                yield Failed(text, ImageError(f"no file matches {text}"))
            return
        files, folders = place.files(deep=recursive)
    except OSError as error:
        yield Failed(text, ImageError(f"{text} cannot be listed: {error.strerror or error}"))
        return
    left_out = f"folders in it are left out: {folders}; --recursive takes them too"
    found = list(_pictures(place, files, made, out))
    if folders and found:
        yield Warned(text, left_out)
    yield from found
    if not found:
        hint = left_out if folders else None
        yield Failed(text, ImageError(f"there are no pictures in the folder {text}", hint=hint))


def _pictures(
    top: Remote, files: Iterable[Remote], made: Callable[[str], bool], out: Place | None
) -> Iterator[tuple[Remote, PurePath] | Failed]:
    above = f"{top.path}/"
    for file in files:
        inner = PurePath(file.path.removeprefix(above).lstrip("/"))
        results = isinstance(out, Remote) and out != top and f"{file}".startswith(f"{out}/")
        hidden = any(x.startswith(".") and x != ".." for x in inner.parts)
        if results or hidden or made(file.name) or file.suffix.lower() not in READABLE:
            continue
        if ".." in inner.parts or inner.is_absolute() or inner.drive:
            yield Failed(str(file), ImageError(f"{file} has a name that would lead out of its folder"))
        else:
            yield file, inner.parent


@dataclass
class Shelves:
    """Which results are there; a store's folder is listed once, however many results go there."""

    _listed: dict[Remote, dict[Remote, Remote]] = field(default_factory=dict)

    def taken(self, target: Place) -> bool:
        """Tell whether a result that is written there would replace something."""
        return target in self._folder(target) if isinstance(target, Remote) else paths.taken(target)

    def known(self, target: Place) -> Place:
        """Return the same place, with what the store tells of it."""
        return self._folder(target).get(target, target) if isinstance(target, Remote) else target

    def _folder(self, target: Remote) -> dict[Remote, Remote]:
        folder = target.parent
        if folder not in self._listed:
            try:
                self._listed[folder] = {x: x for x in folder.files()[0]}
            except FileNotFoundError:
                self._listed[folder] = {}
            except OSError as error:
                reason = error.strerror or error
                raise ImageError(f"the folder {folder} cannot be listed: {reason}") from error
        return self._listed[folder]


def pixel_counts(jobs: Iterable[Job]) -> dict[Job, int]:
    """Return how many pixels the files of pictures announce in their headers."""
    files = {
        x: x.source for x in jobs if isinstance(x.source, Remote) or (x.source and paths.is_file(x.source))
    }
    counts = each(images.pixel_count, files.values(), waiting=any_remote(files))
    return dict(zip(files, counts, strict=True))


def any_remote(jobs: Iterable[Job]) -> bool:
    """Tell whether any file of these pictures is in a store."""
    return any(isinstance(place, Remote) for x in jobs for place in (x.source, x.target))


def each(function: Callable[[A], B], values: Iterable[A], *, waiting: bool) -> Iterator[B]:
    """Yield a function's values, in order; where they are `waiting` for a store, many at a time."""
    if not waiting:
        yield from map(function, values)
        return
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(function, values)
