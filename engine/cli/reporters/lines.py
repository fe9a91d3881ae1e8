"""Progress in lines, for files and for people who read them later."""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from engine.cli.console import note
from engine.cli.reporters.base import Reporter
from engine.cli.reporters.pace import Pace, minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.ascent.step import Step
    from engine.batch.events import Skipped
    from engine.batch.tally import Tally
    from engine.errors import DreamError
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.tiling import Tiling

WORDS: Final = {
    "finished": "finished already",
    "kept": "with a result that is kept",
    "unknown": "with a result that does not say how it was made (--overwrite replaces it)",
}
"""What is said of pictures that are skipped, by the reason."""

EVERY: Final = 10.0
"""Seconds between two lines about a run of several pictures."""

REASONS: Final = 5
"""Reasons of failures that are told at the end of a run, at most."""


def frame_count(number: int, frames: int | None) -> str:
    """Write which frame of a film this is, and of how many if that is known."""
    return f"frame {number}" if frames is None else f"frame {number}/{max(frames, number)}"


def came(count: int, whole: int | None) -> str:
    """Write how much of a file has come."""
    megabytes = f"{count / 1e6:.1f}"
    return f"{megabytes} MB" if whole is None else f"{megabytes} of {whole / 1e6:.1f} MB"


class Lines(Reporter):
    """Report in lines: one for each octave, or every ten seconds where there are several pictures.

    With `verbose` there is one for each octave and iteration in any case.
    """

    def __init__(self, *, verbose: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._verbose = verbose
        self._clock = clock
        self._pace: Pace | None = None
        """How far several pictures are; None for one, and where nobody knows how many there are."""

        self._due = 0.0
        """When the next line about several pictures is due; 0 before the first step."""

        self._pictures: float = 1
        """How many pictures there are; infinity if unknown."""

        self._at_once = 1
        self._reported = -1
        self._waiting = False

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        _tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
        cluster: str = "",
    ) -> None:
        """Print what computes, and with which layers."""
        from engine.settings.selectors import format_layers  # noqa: PLC0415 - this module stays light

        self._pictures, self._at_once = math.inf if pictures is None else pictures, at_once
        if pictures is not None and pictures > 1:
            self._pace = Pace(self._clock, pictures, at_once, stepless=bool(cluster))
        threads = f" ({model.threads} threads)" if model.device == "cpu" else ""
        if at_once > 1:
            threads = f" ({model.threads} threads, {at_once} pictures at once)"
        half = " in half precision" if model.precision == "half" else ""
        where = f"the cluster {cluster}" if cluster else f"{model.device}{threads}{half}"
        note(f"dreaming on {where} with {format_layers(config.layers)}")

    def told(self, message: str) -> None:
        """Print what happens to the machines of a cluster."""
        note(message)

    def step(self, name: str, step: Step) -> None:
        """Print an octave when it begins, and why if it ends early; or how far several pictures are."""
        if self._pace is not None and not self._verbose:
            self._pace.step(name, step.fraction)
            self._show(self._pace)
            return
        height, width = step.shape
        prefix = f"{name}: " if self._pictures > 1 else ""
        inner = prefix if self._at_once > 1 else "  "
        if step.iteration == 1:
            note(f"{prefix}octave {step.octave}/{step.octaves} {height}x{width}")
        if step.stopped:
            note(f"{inner}stopped at iteration {step.iteration}: loss {step.loss:.4f} is above max loss")
        elif self._verbose:
            note(f"{inner}iteration {step.iteration}/{step.iterations} loss {step.loss:.4f}")

    def _show(self, far: object) -> None:
        """Print how far several pictures are, every ten seconds."""
        now = self._clock()
        if now >= self._due:
            if self._due:
                note(str(far))
            self._due = now + EVERY

    def looking(self, seen: int, results: int) -> None:
        """Print how many results have been looked at, every ten seconds."""
        self._show(f"looked at {seen} of {results} results")

    def passed(self, picture: Skipped) -> None:
        """Count a picture that another process has done."""
        if self._pace is not None:
            self._pace.finish(picture.job.name)

    def waiting(self, pictures: int) -> None:
        """Print once that others are at work."""
        if not self._waiting:
            self._waiting = True
            are = "picture that another process is" if pictures == 1 else "pictures that other processes are"
            note(f"waiting for {pictures} {are} at work on")

    def watching(self, folders: Sequence[str]) -> None:
        """Print what is watched, and how that ends."""
        note(f"watching {', '.join(folders)}: pictures that arrive are dreamed on, until Ctrl-C")

    def done(self, name: str, output: str, seconds: float) -> None:
        """Count a picture."""
        self._finish(name, failed=False)
        super().done(name, output, seconds)

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Print what went wrong, and count it."""
        if name:
            self._finish(name, failed=True)
        super().error(error, name=name)

    def _finish(self, name: str, *, failed: bool) -> None:
        """Count a picture, and show how far all are where no Steps do."""
        if self._pace is not None:
            self._pace.finish(name, failed=failed)
            if self._pace.stepless:
                self._show_pace(self._pace)

    def _show_pace(self, pace: Pace) -> None:
        """Show how far several pictures are."""
        self._show(pace)

    def end(self, tally: Tally, seconds: float, _exit_code: int) -> None:
        """Print how many of several pictures are done, skipped and failed, and why."""
        counts, reasons = tally.counts(), tally.reasons()
        if sum(counts.values()) < 2:
            return
        took = f"{minutes(seconds)} minutes" if seconds >= 60 else f"{seconds:.1f} s"
        note(", ".join(f"{count} {status}" for status, count in counts.items() if count) + f", in {took}")
        for reason, count in reasons.most_common(REASONS):
            note(f"  {count} failed: {reason}")
        if len(reasons) > REASONS:
            note(f"  and more, for {len(reasons) - REASONS} other reasons")

    def skipped(self, pictures: Sequence[Skipped]) -> None:
        """Print how many pictures are skipped, in one line."""
        counts = Counter(x.reason for x in pictures)
        note("skipped: " + ", ".join(f"{count} {WORDS[reason]}" for reason, count in counts.items()))

    def fetched(self, name: str, count: int, whole: int | None) -> None:
        """Print how much has come, every ten seconds."""
        self._show(f"fetching {name}: {came(count, whole)}")

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Print what computes, and how many cells."""
        note(f"dreaming {cells} cells on {model.device}" + (f", {at_once} at once" if at_once > 1 else ""))

    def cell(self, label: str, done: int, cells: int) -> None:
        """Print the cell's label."""
        note(f"{done}/{cells} {label}")

    def frame(self, _name: str, number: int, frames: int | None, left: float | None) -> None:
        """Print a line for each tenth of a film, as soon as the time left is known."""
        part = number * 10 // max(frames or 250, number)
        if left is not None and (part > self._reported or self._verbose):
            self._reported = part
            note(f"{frame_count(number, frames)}, {minutes(left)} left")
