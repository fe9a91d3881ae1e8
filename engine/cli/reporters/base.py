"""What a reporter can be told, and the one that reports warnings and errors only."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from engine.cli.console import note, note_lines
from engine.errors import Cancelled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.ascent.step import Step
    from engine.batch.events import Skipped
    from engine.batch.tally import Tally
    from engine.errors import DreamError
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.tiling import Tiling


def about(name: str, message: str) -> str:
    """Return the message, preceded by the picture's name unless it contains the name."""
    return message if name in message else f"{name}: {message}"


class Reporter:
    """Report warnings and errors only, as `--progress none` does; the other reporters override the rest."""

    debug = False
    """Whether to show a traceback with each error."""

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
        cluster: str = "",
    ) -> None:
        """Report what computes, and how many pictures there are (None if unknown).

        Of these, `at_once` are dreamed on at the same time; their Steps then come interleaved.  Where a
        `cluster` computes, named by its address, no Steps come.
        """

    def step(self, name: str, step: Step) -> None:
        """Report one Step of the picture `name`."""

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Report what computes a sheet of `cells` cells, of which `at_once` are dreamed at the same time."""

    def cell(self, label: str, done: int, cells: int) -> None:
        """Report that the cell `label` of the sheet is ready, and that `done` are."""

    def frame(self, name: str, number: int, frames: int | None, left: float | None) -> None:
        """Report that a film's frame is finished, and how many seconds are left, if known."""

    def fetched(self, name: str, count: int, whole: int | None) -> None:
        """Report how many bytes of a file have come, and of how many, if known."""

    def clear(self) -> None:
        """Clear the line that the next output is printed on."""

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Report something that the user should know, and a way out."""
        note(f"deepdream: warning: {about(name, message)}")
        if hint:
            note(f"  hint: {hint}")

    def told(self, message: str) -> None:
        """Report what happens to the machines of a cluster."""

    def skipped(self, pictures: Sequence[Skipped]) -> None:
        """Report pictures that are not dreamed on, because their results are there."""

    def looking(self, seen: int, results: int) -> None:
        """Report how many of the results that are there have been compared with the order."""

    def passed(self, picture: Skipped) -> None:
        """Report a picture that turned out to be done when its turn came, by another process perhaps."""

    def waiting(self, pictures: int) -> None:
        """Report that nothing is left but pictures that other processes are at work on."""

    def watching(self, folders: Sequence[str]) -> None:
        """Report that pictures are waited for."""

    def done(self, name: str, output: str, seconds: float) -> None:
        """Report that the result of the picture `name` has been written to `output`."""

    def end(self, tally: Tally, seconds: float, exit_code: int) -> None:
        """Report how a run of pictures went, which is over."""

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Report what went wrong, and a way out."""
        if self.debug:
            note_lines("".join(traceback.format_exception(error)))
        kind = "" if isinstance(error, Cancelled) else "error: "
        note(f"deepdream: {kind}{about(name, str(error))}")
        if error.hint:
            note(f"  hint: {error.hint}")
