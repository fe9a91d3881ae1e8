"""Progress for programs, in JSON lines."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any, Final

from engine._version import __version__
from engine.cli.console import note, note_lines
from engine.cli.reporters.base import Reporter
from engine.settings.origin import bare_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.ascent.step import Step
    from engine.batch.events import Skipped
    from engine.batch.tally import Tally
    from engine.errors import DreamError
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.tiling import Tiling

PROTOCOL: Final = 1
"""Version of the JSON lines."""

HUNDRED: Final = 100
"""Results that are looked at between two events that tell of it."""


class JsonLines(Reporter):
    """Report to programs, one JSON object per line; docs/wire.md describes the events."""

    def __init__(self) -> None:
        self._waiting = 0

    def start(
        self,
        model: DreamModel,
        config: DreamConfig,
        tiling: Tiling,
        pictures: int | None,
        at_once: int = 1,
        cluster: str = "",
    ) -> None:
        """Send what computes, and the version of the protocol."""
        from engine.ascent import tiles  # noqa: PLC0415 - NumPy is not needed for --help

        self._send(
            "start",
            protocol=PROTOCOL,
            version=__version__,
            device=model.device,
            precision=model.precision,
            threads=model.threads,
            model=model.name,
            model_file={"name": bare_name(model.name), "sha256": model.sha256},
            layers=dict(config.layers),
            **tiles.limits(model, tiling),
            max_memory=tiling.max_memory,
            seed=config.seed,
            pictures=pictures,
            jobs=at_once,
            **({"cluster": cluster} if cluster else {}),
        )

    def told(self, message: str) -> None:
        """Send what happens to the machines of a cluster."""
        self._send("cluster", message=message)

    def step(self, name: str, step: Step) -> None:
        """Send one Step."""
        self._send("step", image=name, **step.facts())

    def start_sheet(self, model: DreamModel, cells: int, at_once: int) -> None:
        """Send what computes, and the version of the protocol."""
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
        """Send which frame of a film is finished."""
        seconds = None if left is None else round(left, 1)
        self._send("frame", image=name, frame=number, frames=frames, seconds_left=seconds)

    def fetched(self, name: str, count: int, whole: int | None) -> None:
        """Send how much of a file has come."""
        self._send("fetch", name=name, bytes=count, of=whole)

    def warning(self, message: str, *, name: str = "", hint: str = "") -> None:
        """Send a warning."""
        self._send("warning", image=name, message=message, hint=hint)

    def skipped(self, pictures: Sequence[Skipped]) -> None:
        """Send which pictures are skipped, and why."""
        for x in pictures:
            self.passed(x)

    def looking(self, seen: int, results: int) -> None:
        """Send how many results have been looked at, every hundredth."""
        if seen % HUNDRED == 0:
            self._send("look", seen=seen, results=results)

    def passed(self, picture: Skipped) -> None:
        """Send which picture is done already, and why."""
        self._send("skipped", image=picture.job.name, output=picture.job.output, reason=picture.reason)

    def waiting(self, pictures: int) -> None:
        """Send how many pictures others are at work on, where that changes."""
        if pictures != self._waiting:
            self._waiting = pictures
            self._send("waiting", pictures=pictures)

    def watching(self, folders: Sequence[str]) -> None:
        """Send what is watched."""
        self._send("watching", folders=list(folders))

    def done(self, name: str, output: str, seconds: float) -> None:
        """Send where the result is."""
        self._send("done", image=name, output=output, seconds=round(seconds, 3))

    def end(self, tally: Tally, seconds: float, exit_code: int) -> None:
        """Send how many pictures are done, skipped, failed and not begun, and the exit code."""
        self._send("end", **tally.table(), seconds=round(seconds, 3), exit_code=exit_code)

    def error(self, error: DreamError, *, name: str = "") -> None:
        """Send what went wrong, and the exit code that it leads to."""
        if self.debug:
            note_lines("".join(traceback.format_exception(error)))
        self._send("error", image=name, message=str(error), hint=error.hint, exit_code=error.exit_code)

    def _send(self, event: str, **values: Any) -> None:
        note(json.dumps({"event": event, **values}))
