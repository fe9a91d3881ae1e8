"""Many pictures in one order: which file goes where, and what happens to each."""

from __future__ import annotations

import glob
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeAlias

from engine import paths
from engine.errors import DreamError, ImageError, UsageError
from engine.files import images
from engine.files.formats import READABLE, format_of
from engine.library.dreaming import Dreaming
from engine.paths import Kept
from engine.settings.output import STANDARD, Output

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.settings.origin import Origin

RESULT: Final = ".dream.png"
"""What follows the stem in a result's name."""

MADE: Final = (RESULT, ".gallery.png")
"""How the names of our own results end: in a folder they are not dreamed on again."""


@dataclass(frozen=True)
class Job:
    """One picture to dream on."""

    source: Path | None
    """File to read; None for standard input."""

    target: Path | None
    """File to write; None for standard output."""

    @property
    def name(self) -> str:
        """What messages call the picture: its path as given, `-` for standard input."""
        return "-" if self.source is None else str(self.source)

    @property
    def output(self) -> str:
        """What messages call the result."""
        return "-" if self.target is None else str(self.target)


@dataclass(frozen=True)
class Skipped:
    """A picture whose result exists already."""

    job: Job


@dataclass(frozen=True)
class Failed:
    """A picture that failed."""

    name: str
    error: DreamError

    target: Path | None = None
    """The file that its result would have gone to, if that is known."""


@dataclass(frozen=True)
class Warned:
    """Something that the user should know about a picture."""

    name: str
    message: str


@dataclass(frozen=True)
class Progress:
    """One Step of a picture's dream, with everything that is needed to keep it."""

    job: Job
    step: Step
    dreaming: Dreaming = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A result that is written."""

    job: Job
    seconds: float


Item: TypeAlias = Job | Skipped | Failed
Event: TypeAlias = Skipped | Failed | Warned | Progress | Done


@dataclass(frozen=True)
class Streams:
    """What `-` means."""

    stdin: BinaryIO | None
    """None where it is closed."""

    stdout: BinaryIO | None
    """None where it is closed."""


def plan(
    inputs: Sequence[str],
    output: str | None = None,
    *,
    overwrite: bool = False,
    kept: Iterable[tuple[str, str]] = (),
) -> list[Item]:
    """Decide which files are read and where each result goes, in the order of the inputs.

    An input is a file, a folder (its pictures, sorted), a glob pattern that the shell left alone, or `-`.
    Results go to `output` if it names a file, and into it if it is a folder, ends with a slash or has to hold
    several; otherwise beside their sources, as `<stem>.dream.png`.  Folders are created.  With `overwrite`,
    results replace other files, but no input and none of the files `kept`, by what they are.  Raises
    UsageError for orders that contradict each other, ImageError where a single result cannot be written.
    """
    output = "-" if output in paths.STDOUT else output
    sources: list[Path | Failed | None] = list(dict.fromkeys(x for text in inputs for x in _expand(text)))
    many = len(inputs) > 1 or any(map(_is_plural, inputs))
    if many and output == "-":
        raise UsageError("standard output takes one picture only", hint="give a folder: -o folder/")
    folder = _folder(output, many=many)
    items: list[Item] = []
    written: dict[str, Job] = {}
    what = "one of the inputs" if many else "the input"
    never = Kept([*kept, *((what, x) for x in sources if isinstance(x, Path))] if overwrite else ())
    for source in sources:
        if isinstance(source, Failed):
            items.append(source)
            continue
        job = Job(source, _target(source, output, folder))
        try:
            items.append(_settle(job, written, never, many=many, overwrite=overwrite))
        except DreamError as error:
            if not many:
                raise
            items.append(Failed(job.name, error, job.target))
    if folder is not None and written:
        _create(folder)
    return items


def perform(
    job: Job, model: DreamModel, order: Order, streams: Streams, output: Output = STANDARD
) -> Iterator[Event]:
    """Dream on a picture and yield what happens; errors are events too."""
    try:
        yield from _dream(job, model, order, streams, output)
    except DreamError as error:
        yield Failed(job.name, error, job.target)
    except OSError as error:  # a file system can refuse anything at any time
        reason = error.strerror or str(error)
        yield Failed(job.name, ImageError(f"{job.name} cannot be dreamed on: {reason}"), job.target)
    except MemoryError:
        yield Failed(job.name, DreamError(f"not enough memory for {job.name}", hint="make it smaller"))


def keep(progress: Progress, streams: Streams) -> tuple[str, ...]:
    """Write the picture so far, at full size, as the job's result; return what could not be kept."""
    if progress.job.target is not None:
        return progress.dreaming.save(progress.step, progress.job.target)
    if streams.stdout is None:
        raise ImageError("standard output is closed")
    content, lost = progress.dreaming.encode(progress.step)
    try:
        streams.stdout.write(content)
        streams.stdout.flush()
    except OSError as error:
        raise ImageError(f"the picture cannot be written to standard output: {error.strerror}") from error
    return lost


def _dream(job: Job, model: DreamModel, order: Order, streams: Streams, output: Output) -> Iterator[Event]:
    started = time.perf_counter()
    if job.target is not None:
        images.check_writable(job.target)  # now rather than after minutes of work
    dreaming = Dreaming.begin(_read(job, streams), order, model, output)
    yield from (Warned(job.name, x) for x in dreaming.source.warnings)
    for step in dreaming.steps():
        progress = Progress(job, step, dreaming)
        yield progress
    yield from (Warned(job.name, x) for x in keep(progress, streams))
    yield Done(job, time.perf_counter() - started)


def _read(job: Job, streams: Streams) -> tuple[Picture, Origin]:
    if job.source is not None:
        return images.read(job.source)
    if streams.stdin is None:
        raise ImageError("standard input is closed")
    try:
        content = streams.stdin.read()
    except OSError as error:
        raise ImageError(f"standard input cannot be read: {error.strerror}") from error
    return images.read_bytes(content, "standard input")


def _is_plural(text: str) -> bool:
    """Tell whether an input can stand for several files: a folder, or a pattern that is not a file's name."""
    return text != "-" and (paths.is_folder(text) or (glob.has_magic(text) and not paths.exists(text)))


def _expand(text: str) -> list[Path | Failed | None]:
    """Return the files that an input stands for, or what is wrong with it."""
    if text == "-":
        return [None]
    if not _is_plural(text):
        return [Path(text)]
    folder = paths.is_folder(text)
    nothing = f"there are no pictures in the folder {text}" if folder else f"no file matches {text}"
    try:
        found = _pictures_in(text) if folder else [Path(x) for x in glob.glob(text, recursive=True)]  # noqa: PTH207
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = getattr(error, "strerror", None) or error
        return [Failed(text, ImageError(f"{text} cannot be listed: {reason}"))]
    # What cannot be looked at stays: reading it says why.
    pictures = sorted(x for x in found if not x.name.endswith(MADE) and paths.may_be_file(x))
    return [*pictures] or [Failed(text, ImageError(nothing))]


def _pictures_in(folder: str) -> list[Path]:
    return [x for x in Path(folder).iterdir() if x.suffix.lower() in READABLE and not x.name.startswith(".")]


def _folder(output: str | None, *, many: bool) -> Path | None:
    """Return the folder that results go into, None where `output` names a file or nothing."""
    if output is None or output == "-":
        return None
    return Path(output) if many or output.endswith(("/", "\\")) or paths.is_folder(output) else None


def _create(folder: Path) -> None:
    try:
        paths.check_name(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {folder} cannot be created: {error.strerror}") from error


def _target(source: Path | None, output: str | None, folder: Path | None) -> Path | None:
    name = paths.named("stdin" if source is None else source.stem, RESULT)
    if folder is not None:
        return folder / name
    if output is None:
        return None if source is None else source.parent / name
    return None if output == "-" else paths.with_suffix(output, ".png")


def _settle(job: Job, written: dict[str, Job], never: Kept, *, many: bool, overwrite: bool) -> Item:
    """Accept a job unless its result would replace something; `written` collects the results so far."""
    if job.target is None:
        return job
    if not many:
        format_of(job.target)
    first = written.setdefault(paths.place(job.target), job)
    if first is not job:
        message = f"{job.name} and {first.name} would both be written to {job.output}"
        raise UsageError(message, hint="dream one of them alone, with -o NAME")
    if overwrite:
        never.refuse(job.target)
    if overwrite or not paths.taken(job.target):
        return job
    if many:
        return Skipped(job)
    raise UsageError(
        f"{job.output} already exists", hint="--overwrite replaces it; -o NAME writes another file"
    )
