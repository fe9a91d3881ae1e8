"""Which file of an order goes where, and which results may be written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from engine import paths
from engine.batch.events import Failed, Job, Skipped
from engine.batch.finding import Finder, Found, is_plural
from engine.batch.naming import STANDARD, Naming, targets
from engine.batch.stores import Shelves
from engine.errors import DreamError, ImageError, UsageError
from engine.files.formats import format_of
from engine.paths import Kept
from engine.remote import Place, Remote, is_url, place_key, place_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.batch.events import Item


def plan(
    inputs: Sequence[str],
    output: str | None = None,
    *,
    listed: Sequence[Place] | None = None,
    recursive: bool = False,
    naming: Naming = STANDARD,
    overwrite: bool = False,
    keep: bool = False,
    awaiting: bool = False,
    kept: Iterable[tuple[str, str]] = (),
) -> list[Item]:
    """Decide which files are read and where each result goes, in the order of the inputs.

    See `Finder` for the inputs, for files that a list names (None where there is no list), for `recursive`
    and `awaiting`.  Results go to `output` if it names a file, and into it if it is a folder, ends with a
    slash or has to hold several, which mirrors trees; otherwise beside their sources.  Folders are created.

    With `overwrite`, results replace other files, but no input and none of the files `kept`, by what they
    are; with `keep`, a single picture whose result is there is skipped, as one of several is.  Raises
    UsageError for orders that contradict each other, ImageError where a single result cannot be written.
    """
    output = "-" if output in paths.STDOUT else output
    many = listed is not None or len(inputs) > 1 or any(map(is_plural, inputs))
    if many and output == "-":
        raise UsageError("standard output takes one picture only", hint="give a folder: -o folder/")
    folder = _folder(output, many=many)
    finder = Finder(naming.made, folder, recursive=recursive, awaiting=awaiting)
    news = finder.find(inputs, listed or ())
    pictures = [x for x in news if isinstance(x, Found)]
    names = _names(pictures, output, folder, naming)
    what = "one of the inputs" if many else "the input"
    never = Kept([*kept, *((what, x.source) for x in pictures if x.source)] if overwrite else ())
    items: list[Item] = []
    written: dict[str, Job] = {}
    shelves = Shelves()
    for new in news:
        if not isinstance(new, Found):
            items.append(new)
            continue
        job = Job(new.source, names[new], replaces=overwrite)
        try:
            if many and naming.bare:
                _refuse_among_pictures(job)
            items.append(
                _settle(job, written, never, shelves, many=many, overwrite=overwrite, keep=keep or many)
            )
        except DreamError as error:
            if not many:
                raise
            items.append(Failed(job.name, error, job.target))
    if isinstance(folder, Path) and written:
        create(folder)
        return [_housed(x) for x in items]
    return items


def _folder(output: str | None, *, many: bool) -> Place | None:
    """Return the folder that results go into, None where `output` names a file or nothing."""
    if output is None or output == "-":
        return None
    place = place_of(output)
    if many or output.endswith(("/", "\\")):
        return place
    there = place.is_folder() if isinstance(place, Remote) else paths.is_folder(place)
    return place if there else None


def _names(
    pictures: list[Found], output: str | None, folder: Place | None, naming: Naming
) -> dict[Found, Place | None]:
    """Return where each picture's result goes, None for standard output."""
    if output is not None and folder is None:  # there is one picture
        if naming != STANDARD and (output == "-" or Path(output).suffix):
            hint = "-o FOLDER/ takes them"
            raise UsageError("--name and --format are for results in folders", hint=hint)
        return dict.fromkeys(pictures, None if output == "-" else _with_suffix(output, naming.suffix))
    piped = [x for x in pictures if x.source is None] if folder is None else []
    filed = [x for x in pictures if x not in piped]

    def home(found: Found) -> Place:
        if folder is not None:
            return folder / found.below
        assert found.source is not None  # noqa: S101 - for the type checker
        return found.source.parent

    return {**targets(filed, naming, home), **dict.fromkeys(piped)}


def _with_suffix(output: str, suffix: str) -> Place:
    """Return the file that a text names, with `suffix` where it has none."""
    if not is_url(output):
        return paths.with_suffix(output, suffix)
    place = Remote.of(output)
    return place if place.suffix else place.parent / (place.name + suffix)


def _refuse_among_pictures(job: Job) -> None:
    """Raise UsageError for a result that nobody could tell from the pictures beside it."""
    if job.source and job.target and place_key(job.source.parent) == place_key(job.target.parent):
        raise UsageError(
            f"{job.output} would look like one of the pictures beside it",
            hint="give another folder with -o, or a name such as --name '{stem}.dream'",
        )


def _settle(
    job: Job,
    written: dict[str, Job],
    never: Kept,
    shelves: Shelves,
    *,
    many: bool,
    overwrite: bool,
    keep: bool,
) -> Item:
    """Accept a job unless its result would replace something; `written` collects the results so far."""
    if job.target is None:
        return job
    if not many:
        format_of(job.target)
    first = written.setdefault(place_key(job.target), job)
    if first is not job:
        message = f"{job.name} and {first.name} would both be written to {job.output}"
        raise UsageError(message, hint="--recursive keeps a tree's folders apart; or dream one alone")
    if overwrite:
        never.refuse(job.target)
    if overwrite or not shelves.taken(job.target):
        return job
    if keep:
        return Skipped(replace(job, target=shelves.known(job.target)))
    raise UsageError(
        f"{job.output} already exists", hint="--overwrite replaces it; -o NAME writes another file"
    )


def create(folder: Path) -> None:
    """Create a folder for results, if it is not there; raise ImageError where it cannot be."""
    try:
        paths.check_name(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImageError(f"the folder {folder} cannot be created: {error.strerror}") from error


def _housed(item: Item) -> Item:
    """Create the folder of a tree that a result goes into; only the pictures in it fail where that fails."""
    if isinstance(item, Job) and isinstance(item.target, Path) and not paths.is_folder(item.target.parent):
        try:
            create(item.target.parent)
        except ImageError as error:
            return Failed(item.name, error, item.target)
    return item
