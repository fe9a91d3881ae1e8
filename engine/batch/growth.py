"""How a dream grew: its Steps as numbered pictures, or as a film.

`Growth` consumes Steps: it takes each one, and is told to finish when the picture is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.batch.events import Done, Failed, Job, Progress, Streams
from engine.batch.jobs import keep
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.files.formats import format_of
from engine.films import encode
from engine.films.shot import Shot
from engine.films.zoom import fitted, screened
from engine.library.repeating import changes
from engine.paths import Kept
from engine.remote import place_key
from engine.settings.recipe import Recipe
from engine.settings.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from engine.batch.events import Event

MOST: Final = 150
"""Frames of a film of steps, at most; where there are more steps, only every second, fourth and so on is
kept."""

RATE: Final = Fraction(15)
"""Frames a second."""

HOLD: Final = 2.0
"""Seconds that the finished dream stays."""

SIZE: Final = 640
"""Larger side of the film's frames in pixels, at most."""


@dataclass(frozen=True, kw_only=True)
class Showing:
    """What is kept of a dream's steps.  Raises UsageError or ImageError for what cannot be kept."""

    folder: Path | None = None
    """Where the steps go as pictures, `NAME-0001.png` and so on; None for nowhere."""

    every: int = 1
    """Every how many steps one is kept as a picture, and always the last one; 1 to 10000."""

    film: Path | None = None
    """The file of a film of the steps; None for no film."""

    several: bool = False
    """Whether there are several pictures: then a film's name begins with its picture's."""

    overwrite: bool = False
    """Whether files that exist already are replaced."""

    kept: Kept = field(default_factory=Kept)
    """Files that are not replaced in any case, because they are read."""

    def __post_init__(self) -> None:
        Setting("--steps-every", int, 1, 10000, "").check(self.every)
        if self.film is not None:
            encode.check_writable(self.film)

    def film_of(self, name: str) -> Path | None:
        """Return the film's file for a picture."""
        if self.film is None or not self.several:
            return self.film
        return self.film.with_name(paths.named(name, f".{self.film.name}"))


class Shows:
    """The steps of a batch's pictures: it sees every event and keeps what a Showing asks for."""

    def __init__(self, showing: Showing, jobs: Iterable[Job] = ()) -> None:
        """Prepare; `jobs` are all of the order, finished ones too: their files' names are always the same."""
        self._showing = showing
        self._growing: dict[Job, Growth] = {}
        self._names: dict[Job, str] = {}
        self._taken: set[str] = set()
        for job in jobs:
            self._name(job)

    def see(self, event: Event) -> list[Path]:
        """Keep the step that an event brings; return the film, if one is complete.

        Raises UsageError where a file exists already, ImageError where one cannot be written.
        """
        if self._showing.folder is None and self._showing.film is None:
            return []
        match event:
            case Progress(job):
                if job not in self._growing:
                    self._growing[job] = Growth(self._showing, event, self._name(job))
                self._growing[job].take(event)
            case Done(job):
                return self._growing.pop(job).finish()
            case Failed(name):
                self._growing = {job: x for job, x in self._growing.items() if job.name != name}
            case _:
                pass
        return []

    def _name(self, job: Job) -> str:
        """Return what a picture's files begin with, different for pictures of one name in several folders."""
        if job not in self._names:
            stem = "stdin" if job.source is None else job.source.stem
            again = (f"{stem}-{i}" for i in count(2))
            self._names[job] = next(x for x in chain([stem], again) if x not in self._taken)
            self._taken.add(self._names[job])
        return self._names[job]


class Growth:
    """The steps of one picture's dream, as they are asked for by a Showing."""

    def __init__(self, showing: Showing, first: Progress, name: str) -> None:
        """Begin with the picture itself; `name` is what the names of its files begin with."""
        self._showing, self._name = showing, name
        self._count = 0
        self._stride = 1
        self._last = first
        self._frames: list[NDArray[np.uint8]] = []
        result = first.job.target
        if isinstance(result, Path) and paths.taken(result):  # made anew, and so is what shows how it grew
            self._showing = showing = replace(showing, overwrite=True)
        film = showing.film_of(name)
        if film is not None:
            _free(film, showing)
            if result is not None and place_key(result) == paths.place(film):
                raise UsageError(f"{film} is the result, too", hint="write the film to another file")
            self._frames.append(fitted(screened(first.dreaming.source), SIZE))

    def take(self, progress: Progress) -> None:
        """Keep a step; raise ImageError where it cannot be written."""
        self._count += 1
        self._last = progress
        pictured = self._showing.folder is not None and self._count % self._showing.every == 0
        filmed = self._showing.film is not None and self._count % self._stride == 0
        if pictured or filmed:
            self._keep(progress, pictured=pictured, filmed=filmed)

    def finish(self) -> list[Path]:
        """Keep the last step in any case and write the film; return its path, if there is one."""
        pictured = self._showing.folder is not None and self._count % self._showing.every != 0
        filmed = self._showing.film is not None and self._count % self._stride != 0
        self._keep(self._last, pictured=pictured, filmed=filmed)
        film = self._showing.film_of(self._name)
        if film is None:
            return []
        shots = (Shot(i / RATE, image) for i, image in enumerate(self._frames))
        encode.write(shots, film, RATE, hold=HOLD)
        return [film]

    def _keep(self, progress: Progress, *, pictured: bool, filmed: bool) -> None:
        if pictured:
            assert self._showing.folder is not None  # noqa: S101 - for the type checker
            target = self._showing.folder / paths.named(self._name, f"-{self._count:04}.png")
            if not _began_so(target, progress):
                _free(target, self._showing)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ImageError(f"the folder {target.parent} cannot be created: {error.strerror}") from error
            keep(replace(progress, job=Job(progress.job.source, target)), Streams(None, None))
        if filmed:
            picture = progress.dreaming.result(progress.step, "8")
            self._frames.append(fitted(screened(picture), SIZE))
            if len(self._frames) > MOST:  # the first is the picture, so every second step stays
                del self._frames[1::2]
                self._stride *= 2


def _began_so(target: Path, progress: Progress) -> bool:
    """Tell whether a step's picture was left by a run that was killed in the same dream."""
    if not paths.is_file(target):
        return False
    try:
        left = Recipe.from_json(images.recipe_of(target))
    except (ImageError, UsageError):
        return False
    wanted = progress.dreaming.recipe()
    same = not changes(replace(left, finished=True), wanted, format_of(target).options)
    return same and left.picture == wanted.picture


def _free(target: Path, showing: Showing) -> None:
    if paths.taken(target) and not showing.overwrite:
        raise UsageError(f"{target} already exists", hint="--overwrite replaces it")
    showing.kept.refuse(target)
