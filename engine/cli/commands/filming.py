"""What the commands that make films have in common."""

from __future__ import annotations

import contextlib
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.cli import console, options, stopping
from engine.cli.commands.common import files_read
from engine.errors import Cancelled, DreamError, IncompleteError
from engine.settings.presets import FILMS
from engine.stop import Stop

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from pathlib import Path

    from engine.cli.reporters import Reporter
    from engine.films.project import Project
    from engine.films.shot import Frame

AGAIN: Final = "run the same command again, without --overwrite, to resume"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that make films."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILM",
        help="file to write: .mp4, .m4v, .mov, .mkv, .webm, .gif or .webp; without it, beside the input",
    )
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace a film that already exists, and start again from its first frame",
    )
    parser.add_argument(
        "--keep-frames", action="store_true", help="keep the frames as pictures, in the folder FILM.frames"
    )
    options.add_model(parser)
    options.add_dreaming(parser, FILMS)


def target_of(source: Path, arguments: argparse.Namespace, middle: str) -> Path:
    """Return the film's path; without -o it lies beside the source, as STEM.MIDDLE.mp4.

    Raises UsageError where it is a file that is read.
    """
    output = arguments.output or getattr(arguments, "out", None)
    longest = paths.LONGEST - len(".frames")
    name = paths.named(source.stem, f".{middle}.mp4", longest)
    target = source.parent / name if output is None else paths.with_suffix(output, ".mp4")
    paths.Kept([("the input", source), *files_read(arguments)]).refuse(target)
    return target


def make(project: Project, arguments: argparse.Namespace, reporter: Reporter, name: str) -> int:
    """Make a film and report its progress; after an interruption, say how to resume.

    Raises Cancelled then, and IncompleteError for the film of a film that ends early.
    """
    started = time.perf_counter()
    left = _time_left(time.monotonic)
    frame: Frame | None = None
    early: IncompleteError | None = None
    stop = Stop()

    def interrupt() -> bool:
        stop.set()
        return frame is not None

    try:
        with (
            stopping.saying(lambda: _cancelled(project, frame)),
            stopping.instead(interrupt) if arguments.keep_partial else nullcontext(),
        ):
            frames = project.make(overwrite=arguments.overwrite, keep_frames=arguments.keep_frames, stop=stop)
            for frame in frames:
                for warning in frame.warnings:
                    reporter.warning(warning, name=name)
                if not frame.complete:
                    reporter.frame(name, frame.number, frame.frames, left(frame))
                if not frame.complete:
                    stop.check()
    except (Cancelled, KeyboardInterrupt):
        if arguments.keep_partial and frame is not None:
            raise _kept(project, frame, reporter) from None
        raise _cancelled(project, frame) from None
    except IncompleteError as error:  # the film is there all the same
        early = error
    reporter.done(name, str(project.target), time.perf_counter() - started)
    console.say(str(project.target))
    if early is not None:
        raise early
    return 0


def _cancelled(project: Project, frame: Frame | None) -> Cancelled:
    """Return the error to end with after an interruption; where nothing can be resumed, leave no folder."""
    if frame is None:
        _remove_empty(project)
        return Cancelled("cancelled")
    return Cancelled(f"cancelled after frame {frame.number}", hint=AGAIN)


def _kept(project: Project, frame: Frame, reporter: Reporter) -> Cancelled:
    """Write the unfinished film; return the error to end with."""
    reporter.clear()
    project.write(partly=True)
    console.say(str(project.target))
    return Cancelled(
        f"cancelled after frame {frame.number}; {project.target} is the unfinished film", hint=AGAIN
    )


def _remove_empty(project: Project) -> None:
    """Remove the folder for the frames if it has none."""
    from engine.films.store import Store, folder_of  # noqa: PLC0415 - see engine/cli/commands/__init__.py

    folder = folder_of(project.target)
    with contextlib.suppress(DreamError):  # it is another film's
        if paths.exists(folder) and not (store := Store(folder, project.identity)).state()[0]:
            store.remove()


def _time_left(clock: Callable[[], float]) -> Callable[[Frame], float | None]:
    """Return a function that estimates the seconds left.

    It does not count the first two frames, which take longer or shorter than the others.
    """
    marks: list[tuple[float, int]] = []

    def left(frame: Frame) -> float | None:
        marks.append((clock(), frame.number))
        if len(marks) < 3 or frame.frames is None:
            return None
        (begun, first), (now, number) = marks[1], marks[-1]
        del marks[2:]
        if number == first:
            return 0.0
        return (now - begun) / (number - first) * max(frame.frames - number, 0)

    return left
