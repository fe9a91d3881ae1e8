"""Progress on one line of a terminal."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.cli.console import printable, redraw
from engine.cli.reporters.lines import Lines, came, frame_count
from engine.cli.reporters.pace import Pace, minutes

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ascent.step import Step
    from engine.batch.tally import Tally
    from engine.errors import DreamError
    from engine.network.model import DreamModel

OFTEN: Final = 0.1
"""Seconds between two bars of what goes fast."""


class Bar(Lines):
    """Report on one line of a terminal, with the time left for the picture, or for all at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(clock=clock)
        self._started = 0.0
        self._first = 0.0
        """How far the work was when timing started."""

    def step(self, name: str, step: Step) -> None:
        """Redraw the bar."""
        if self._pace is not None:
            self._pace.step(name, step.fraction)
            self._show_pace(self._pace)
            return
        if (step.octave, step.iteration) == (1, 1):  # timed from here on: the first step is slower
            self._started, self._first = self._clock(), step.fraction
        height, width = step.shape
        which = f"{name}  " if self._pictures > 1 else ""
        text = (
            f"{which}octave {step.octave}/{step.octaves} {height}x{width}  "
            f"iteration {step.iteration}/{step.iterations}  loss {step.loss:.3f}  {self._left(step.fraction)}"
        )
        self._draw(step.fraction, text)

    def looking(self, seen: int, results: int) -> None:
        """Draw a bar of the results that have been looked at."""
        now = self._clock()
        if now >= self._due:
            self._due = now + OFTEN
            self._draw(seen / results, f"looked at {seen} of {results} results")

    def waiting(self, pictures: int) -> None:
        """Remove the bar, and print once that others are at work."""
        self.clear()
        super().waiting(pictures)

    def _show_pace(self, pace: Pace) -> None:
        """Redraw the bar of several pictures."""
        each = ", ".join(f"{Path(name).name} {part:.0%}" for name, part in pace.at_work.items())
        self._draw(pace.fraction, str(pace), f"  {each}")

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Print what computes, and draw an empty bar."""
        super().start_sheet(model, cells, at_once)
        self._started = self._clock()
        self._draw(0.0, f"0/{cells} cells")

    def cell(self, label: str, done: int, cells: int) -> None:
        """Redraw the bar."""
        self._draw(done / cells, f"{done}/{cells} cells  {self._left(done / cells)}", f"  {label}")

    def frame(self, _name: str, number: int, frames: int | None, left: float | None) -> None:
        """Redraw the bar of a film."""
        fraction = min(number / frames, 1.0) if frames else 0.0
        self._draw(
            fraction, f"{frame_count(number, frames)}  {'-:--' if left is None else minutes(left)} left"
        )

    def fetched(self, name: str, count: int, whole: int | None) -> None:
        """Draw a bar of what has come of a file."""
        now = self._clock()
        if now >= self._due or count == whole:
            self._due = now + OFTEN
            self._draw(count / whole if whole else 0.0, came(count, whole), f"  {name}")

    def told(self, message: str) -> None:
        """Print above the bar what happens to the machines of a cluster."""
        self.clear()
        super().told(message)

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Print a warning above the bar."""
        self.clear()
        super().warning(message, name=name, hint=hint)

    def done(self, name: str, output: str, seconds: float) -> None:
        """Remove the bar."""
        self.clear()
        super().done(name, output, seconds)

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Remove the bar and print what went wrong."""
        self.clear()
        super().error(error, name=name)

    def end(self, tally: Tally, seconds: float, exit_code: int) -> None:
        """Remove the bar and print how the run went."""
        self.clear()
        super().end(tally, seconds, exit_code)

    def _draw(self, fraction: float, text: str, more: str = "") -> None:
        """Draw the bar and the text, and of `more` what fits: a longer line would wrap and stay."""
        from wcwidth import clip, width  # noqa: PLC0415 - takes 40 ms, and --help does without

        columns = shutil.get_terminal_size().columns - 1
        text, more = printable(text), printable(more)
        cells = min(30, columns - width(text) - 4)
        if cells >= 5:
            full = int(fraction * cells)
            text = f"[{'#' * full}{'.' * (cells - full)}] {text}"
        redraw(clip(text + more, 0, columns))

    def clear(self) -> None:
        """Remove the bar."""
        redraw()

    def _left(self, fraction: float) -> str:
        if fraction < 1.5 * self._first:  # not yet a whole step since
            return "-:-- left"
        return f"{minutes((self._clock() - self._started) * (1 - fraction) / (fraction - self._first))} left"
