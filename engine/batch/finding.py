"""Which pictures the inputs of an order stand for: files, folders, trees, patterns, lists."""

from __future__ import annotations

import codecs
import glob
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from engine import paths
from engine.batch import stores
from engine.batch.events import Failed, Warned
from engine.errors import ImageError, UsageError
from engine.files.formats import READABLE
from engine.remote import Place, Remote, is_url, open_place, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from engine.batch.events import Streams

COUNTED: Final = 1000
"""Subfolders that are looked into, at most, to tell how many pictures are left out."""


@dataclass(frozen=True)
class Found:
    """A picture to dream on."""

    source: Place | None
    """Its file; None for standard input."""

    below: Path = Path()
    """The folder of its tree that it lies in, which is mirrored: relative, `.` for none."""


@dataclass
class _Listing:
    """What lies in a folder."""

    news: list[Found | Failed] = field(default_factory=list)
    """Its pictures, sorted; or why it cannot be listed."""

    folders: list[Path] = field(default_factory=list)
    """The folders in it, sorted."""

    links: int = 0
    """How many links to folders are in it."""


News: TypeAlias = Found | Failed | Warned


class Finder:
    """Finds the pictures of an order."""

    def __init__(
        self,
        made: Callable[[str], bool],
        out: Place | None = None,
        *,
        recursive: bool = False,
        awaiting: bool = False,
    ) -> None:
        """Prepare to find pictures in folders, and with `recursive` in all folders below.

        Passed over are files whose names `made` calls results, the folder `out` where it lies in a tree, and
        what is hidden.  A folder without any picture is a failure, unless they are `awaiting` some.
        """
        self._awaiting = awaiting
        self._made = made
        self._recursive = recursive
        self._folder_of_results = out
        self._out = paths.place(out) if isinstance(out, Path) else None

    def find(self, inputs: Iterable[str], listed: Iterable[Place] = ()) -> list[News]:
        """Return each picture once, in the order of the inputs, and what else is to be told of them.

        An input is a file, a folder (its pictures, sorted), a glob pattern that the shell left alone, a URL
        that means one of these, or `-`.
        What is `listed` is never a pattern, and no result; with `recursive`, a file there lies in the folder
        that it names.
        """
        news = [x for text in inputs for x in self._expand(text)]
        for path in listed:
            if isinstance(path, Remote):
                news += [Found(path)] if path.suffix.lower() in READABLE else self._stored(path)
            elif paths.is_folder(path):
                news += self._folder(path, str(path))
            elif not self._made(path.name):
                news.append(self._listed(path))
        first: dict[Place | None, Found] = {}
        return [x for x in news if not isinstance(x, Found) or first.setdefault(x.source, x) is x]

    def _stored(self, place: Remote) -> list[News]:
        """Return what a URL stands for."""
        found = stores.find(place, self._made, self._folder_of_results, recursive=self._recursive)
        return [Found(x[0], Path(x[1])) if isinstance(x, tuple) else x for x in found]

    def _expand(self, text: str) -> list[News]:
        if is_url(text):
            return self._stored(Remote.of(text))
        if not is_plural(text):
            return [Found(None if text == "-" else Path(text))]
        if paths.is_folder(text):
            return self._folder(Path(text), text)
        try:
            # Path.glob would not take a pattern that begins at the root.
            found = [Path(x) for x in glob.glob(text, recursive=True)]  # noqa: PTH207
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            return [_unlisted(text, error)]
        # What cannot be looked at stays: reading it says why.
        pictures = sorted(x for x in found if not self._made(x.name) and paths.may_be_file(x))
        return [Found(x) for x in pictures] or [Failed(text, ImageError(f"no file matches {text}"))]

    def _folder(self, top: Path, text: str) -> list[News]:
        """Return the pictures of a folder or a tree, and what is left out of it."""
        tree = self._walk(top)
        listings = list(tree if self._recursive else islice(tree, 1))
        news: list[News] = [x for listing in listings for x in listing.news]
        if self._recursive:
            links = sum(x.links for x in listings)
            told = f"links to folders are not followed: {links} here" if links else ""
        else:
            told = _left_out(tree)
        if news or self._awaiting:
            return [Warned(text, told), *news] if told else news
        below = " or below it" if self._recursive else ""
        return [Failed(text, ImageError(f"there are no pictures in the folder {text}{below}", hint=told))]

    def _walk(self, top: Path) -> Iterator[_Listing]:
        """List a folder and, as long as anybody asks, each one below it, in the order of their names."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            listing = self._listing(folder, folder.relative_to(top))
            waiting += reversed(listing.folders)
            yield listing

    def _listing(self, folder: Path, below: Path) -> _Listing:
        listing = _Listing()
        try:
            entries = sorted(x for x in folder.iterdir() if not x.name.startswith("."))
        except (OSError, ValueError) as error:
            return _Listing([_unlisted(str(folder), error)])
        for entry in entries:
            if paths.is_folder(entry):
                if paths.is_link(entry):
                    listing.links += 1
                elif self._out is None or paths.place(entry) != self._out:
                    listing.folders.append(entry)
            elif entry.suffix.lower() in READABLE and not (self._made(entry.name) or paths.kind(entry)):
                listing.news.append(Found(entry, below))
        return listing

    def _listed(self, path: Path) -> Found:
        mirrored = self._recursive and not path.is_absolute() and ".." not in path.parts
        return Found(path, path.parent if mirrored else Path())


def is_plural(text: str) -> bool:
    """Tell whether an input can stand for several files: a folder, or a pattern that is not a file's name."""
    if is_url(text):
        return stores.is_plural(Remote.of(text))
    return text != "-" and (paths.is_folder(text) or (glob.has_magic(text) and not paths.exists(text)))


def read_list(file: str, streams: Streams) -> list[Place]:
    """Return the files that a list names: each between null bytes if there are any, else each on a line.

    `-` is standard input.  Raises ImageError for a list that cannot be read, UsageError for an empty one, and
    for a URL that is not taken.
    """
    try:
        if file != "-":
            with open_place(place_of(file)) as opened:
                content = opened.read()
        elif streams.stdin is None:
            raise ImageError("standard input is closed")
        else:
            content = streams.stdin.read()
    except OSError as error:
        hint = "pipe it in: ... | deepdream dream --from -" if isinstance(error, paths.Irregular) else None
        raise ImageError(f"the list {file} cannot be read: {error.strerror}", hint=hint) from error
    names = content.split(b"\0") if b"\0" in content else content.removeprefix(codecs.BOM_UTF8).splitlines()
    if not any(names):
        raise UsageError(f"the list {file} names no files")
    return [_named(x) for x in names if x]


def _named(name: bytes) -> Place:
    """Return what a line of a list names."""
    url = name.decode("utf-8", "replace")
    return place_of(url) if is_url(url) else paths.from_bytes(name)


def _left_out(tree: Iterator[_Listing]) -> str:
    """Say how many pictures the rest of a tree holds; empty for none."""
    count = sum(isinstance(x, Found) for listing in islice(tree, COUNTED) for x in listing.news)
    more = "more than " if next(tree, None) is not None else ""
    if not (count or more):
        return ""
    return f"pictures in subfolders are left out: {more}{count}; --recursive takes them too"


def _unlisted(text: str, error: Exception) -> Failed:
    reason = getattr(error, "strerror", None) or error
    return Failed(text, ImageError(f"{text} cannot be listed: {reason}"))
