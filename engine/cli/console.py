"""Words for the terminal and lines for programs: everything that the command line prints.

Results go to stdout, all else to stderr.  A reader that has gone away is no reason to stop dreaming, so
nothing here raises when a stream is closed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine._version import __version__
from engine.errors import Cancelled, DreamError

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ascent.step import Step
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.tiling import Tiling

PROTOCOL: Final = 1
"""Version of the JSON lines."""


def say(text: str) -> None:
    """Print a result to stdout, a path byte for byte."""
    if sys.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(text + "\n"))
        sys.stdout.buffer.flush()
        return
    # Python flushes stdout once more at exit, and would complain about the reader that has gone.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str, end: str = "\n") -> None:
    """Print anything but a result, to stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text + end)
            sys.stderr.flush()


def _about(name: str, message: str) -> str:
    """Begin a message with the picture's name, unless it names the picture itself."""
    return message if name in message else f"{name}: {message}"


def _clock(seconds: float) -> str:
    """Write a time as minutes and seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _frames(number: int, frames: int | None) -> str:
    return f"frame {number}" if frames is None else f"frame {number}/{max(frames, number)}"


class Silent:
    """Report nothing but errors; the other reporters say more."""

    debug = False
    """Whether to show where in the program an error comes from."""

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
    ) -> None:
        """Tell what is going to compute, and how many pictures there are (None where nobody knows).

        Of these, `at_once` are dreamed on at the same time: then their Steps come mixed.
        """

    def step(self, name: str, step: Step) -> None:
        """Tell of one Step of the picture `name`."""

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Tell what is going to compute a sheet of so many cells, of which some are dreamed at once."""

    def cell(self, label: str, done: int, cells: int) -> None:
        """Tell that a cell of the sheet is ready, and how many are."""

    def frame(self, name: str, number: int, frames: int | None, left: float | None) -> None:
        """Tell that a film's frame is done: which of how many, and how many seconds are left, if known."""

    def clear(self) -> None:
        """Make room on the terminal for a result."""

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Tell what the user should know."""

    def done(self, name: str, output: str, seconds: float) -> None:
        """Tell that the result of the picture `name` is written."""

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Tell what went wrong, and the way out."""
        if self.debug:
            note("".join(traceback.format_exception(error)), end="")
        kind = "" if isinstance(error, Cancelled) else "error: "
        note(f"deepdream: {kind}{_about(name, str(error))}")
        if error.hint:
            note(f"  hint: {error.hint}")


class Lines(Silent):
    """Report in the tutorial's lines, one an octave, or with `verbose` one an iteration too."""

    def __init__(self, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._pictures: float = 1
        self._at_once = 1
        self._told = -1

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        _tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
    ) -> None:
        """Print what computes and what for."""
        from engine.settings.selectors import format_layers  # noqa: PLC0415 - this module stays light

        self._pictures, self._at_once = math.inf if pictures is None else pictures, at_once
        threads = f" ({model.threads} threads)" if model.device == "cpu" else ""
        if at_once > 1:
            threads = f" ({model.threads} threads, {at_once} pictures at once)"
        half = " in half precision" if model.precision == "half" else ""
        note(f"dreaming on {model.device}{threads}{half} with {format_layers(config.layers)}")

    def step(self, name: str, step: Step) -> None:
        """Print an octave when it begins, and why it ends early."""
        height, width = step.shape
        which = f"{name}: " if self._pictures > 1 else ""
        inner = which if self._at_once > 1 else "  "
        if step.iteration == 1:
            note(f"{which}octave {step.octave}/{step.octaves} {height}x{width}")
        if step.stopped:
            note(f"{inner}stopped at iteration {step.iteration}: loss {step.loss:.4f} is above max loss")
        elif self._verbose:
            note(f"{inner}iteration {step.iteration}/{step.iterations} loss {step.loss:.4f}")

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Print what computes how much."""
        note(f"dreaming {cells} cells on {model.device}" + (f", {at_once} at once" if at_once > 1 else ""))

    def cell(self, label: str, done: int, cells: int) -> None:
        """Print the cell's label."""
        note(f"{done}/{cells} {label}")

    def frame(self, _name: str, number: int, frames: int | None, left: float | None) -> None:
        """Print every tenth part of a film, and the time left as soon as it is known."""
        part = number * 10 // max(frames or 250, number)
        if left is not None and (part > self._told or self._verbose):
            self._told = part
            note(f"{_frames(number, frames)}, {_clock(left)} left")

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Print a warning and its way out."""
        note(f"deepdream: warning: {_about(name, message)}")
        if hint:
            note(f"  hint: {hint}")


class Bar(Lines):
    """Report on one line of a terminal, with the time left: of a picture, or of all where they come mixed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._begun = 0.0
        self._first = 0.0
        self._at_work: dict[str, float] = {}
        self._ended = 0

    def step(self, name: str, step: Step) -> None:
        """Draw the bar anew."""
        if self._at_once > 1:
            self._step_of_many(name, step)
            return
        if (step.octave, step.iteration) == (1, 1):  # measured from here on: the first step warms up
            self._begun, self._first = self._clock(), step.fraction
        height, width = step.shape
        which = f"{name}  " if self._pictures > 1 else ""
        text = (
            f"{which}octave {step.octave}/{step.octaves} {height}x{width}  "
            f"iteration {step.iteration}/{step.iterations}  loss {step.loss:.3f}  {self._left(step.fraction)}"
        )
        self._draw(step.fraction, text)

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Print what computes, and draw an empty bar."""
        super().start_sheet(model, cells, at_once)
        self._begun = self._clock()
        self._draw(0.0, f"0/{cells} cells")

    def cell(self, label: str, done: int, cells: int) -> None:
        """Draw the bar anew."""
        self._draw(done / cells, f"{done}/{cells} cells  {self._left(done / cells)}", f"  {label}")

    def frame(self, _name: str, number: int, frames: int | None, left: float | None) -> None:
        """Draw the bar of a film anew."""
        fraction = min(number / frames, 1.0) if frames else 0.0
        self._draw(fraction, f"{_frames(number, frames)}  {'-:--' if left is None else _clock(left)} left")

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Print a warning above the bar."""
        self.clear()
        super().warning(message, name=name, hint=hint)

    def done(self, name: str, output: str, seconds: float) -> None:
        """Remove the bar."""
        self._end(name)
        super().done(name, output, seconds)

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Remove the bar and print what went wrong."""
        self._end(name)
        super().error(error, name=name)

    def _end(self, name: str) -> None:
        self.clear()
        self._ended += 1
        self._at_work.pop(name, None)

    def _step_of_many(self, name: str, step: Step) -> None:
        """Draw one bar for all pictures, then how far those at work are, as many as there is room for."""
        if not self._first:  # the others at work make their first step at about the same time
            self._begun, self._first = self._clock(), step.fraction * self._at_once / self._pictures
        self._at_work[name] = step.fraction
        fraction = min((self._ended + sum(self._at_work.values())) / self._pictures, 1.0)
        each = ", ".join(f"{Path(name).name} {part:.0%}" for name, part in self._at_work.items())
        self._draw(fraction, f"{self._ended}/{self._pictures} pictures  {self._left(fraction)}", f"  {each}")

    def _draw(self, fraction: float, text: str, more: str = "") -> None:
        columns = shutil.get_terminal_size().columns - 1
        width = min(30, columns - len(text) - 4)
        if width >= 5:
            full = int(fraction * width)
            text = f"[{'#' * full}{'.' * (width - full)}] {text}"
        note(f"\r\x1b[K{(text + more)[:columns]}", end="")

    def clear(self) -> None:
        """Remove the bar."""
        note("\r\x1b[K", end="")

    def _left(self, fraction: float) -> str:
        if fraction < 1.5 * self._first:  # less than one more step
            return "-:-- left"
        return f"{_clock((self._clock() - self._begun) * (1 - fraction) / (fraction - self._first))} left"


class JsonLines(Silent):
    """Report to programs: one JSON object a line."""

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
    ) -> None:
        """Send what computes, and the version of this protocol."""
        from engine.ascent import tiles  # noqa: PLC0415 - NumPy is not needed for --help

        self._send(
            "start",
            protocol=PROTOCOL,
            version=__version__,
            device=model.device,
            precision=model.precision,
            threads=model.threads,
            model=model.name,
            layers=dict(config.layers),
            **tiles.limits(model, tiling),
            max_memory=tiling.max_memory,
            seed=config.seed,
            pictures=pictures,
            jobs=at_once,
        )

    def step(self, name: str, step: Step) -> None:
        """Send one Step."""
        self._send(
            "step",
            image=name,
            octave=step.octave,
            octaves=step.octaves,
            iteration=step.iteration,
            iterations=step.iterations,
            shape=list(step.shape),
            loss=step.loss,
            fraction=round(step.fraction, 6),
            stopped=step.stopped,
        )

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Send what computes, and the version of this protocol."""
        self._send(
            "start",
            protocol=PROTOCOL,
            version=__version__,
            device=model.device,
            precision=model.precision,
            threads=model.threads,
            model=model.name,
            cells=cells,
            jobs=at_once,
        )

    def cell(self, label: str, done: int, cells: int) -> None:
        """Send which cell is ready."""
        self._send("cell", layers=label, done=done, cells=cells, fraction=round(done / cells, 6))

    def frame(self, name: str, number: int, frames: int | None, left: float | None) -> None:
        """Send which frame of a film is done."""
        seconds = None if left is None else round(left, 1)
        self._send("frame", image=name, frame=number, frames=frames, seconds_left=seconds)

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Send a warning."""
        self._send("warning", image=name, message=message, hint=hint)

    def done(self, name: str, output: str, seconds: float) -> None:
        """Send where the result is."""
        self._send("done", image=name, output=output, seconds=round(seconds, 3))

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Send what went wrong, and the exit code it leads to."""
        if self.debug:
            note("".join(traceback.format_exception(error)), end="")
        self._send("error", image=name, message=str(error), hint=error.hint, exit_code=error.exit_code)

    def _send(self, event: str, **values: Any) -> None:
        note(json.dumps({"event": event, **values}))


def reporter(kind: str, *, verbose: bool = False, debug: bool = False) -> Silent:
    """Return the reporter that `--progress` asks for: auto, bar, json or none."""
    made = _reporter(kind, verbose=verbose)
    made.debug = debug
    return made


def _reporter(kind: str, *, verbose: bool) -> Silent:
    if kind == "auto":
        terminal = sys.stderr is not None and sys.stderr.isatty()
        kind = "bar" if terminal and not verbose else "lines"
    match kind:
        case "bar":
            return Bar()
        case "json":
            return JsonLines()
        case "none":
            return Silent()
        case _:
            return Lines(verbose=verbose)
