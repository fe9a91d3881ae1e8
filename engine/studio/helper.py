"""The warm worker: its model stays open, for what the page asks while it is looked at.

It tells what computes, and dreams thumbnails, beside a dream too, which has the processors first.
A sheet that nobody waits for is not begun; one at work is ended when somebody waits for another.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine import atomic
from engine.errors import DreamError
from engine.studio.about import look_names
from engine.studio.queue import LONGEST
from engine.studio.schema import Fault
from engine.studio.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from engine.studio.schema import Picture
    from engine.studio.sse import Bell


@dataclass
class Sheet:
    """The thumbnails of one kind of one picture."""

    kind: str
    layer: str
    source: Path
    """A copy of the picture: a large one would take long to read."""
    name: str
    folder: Path
    names: list[str] = field(default_factory=list)
    """Of all that are to come, in the order in which they are shown."""
    ready: dict[str, str] = field(default_factory=dict)
    """The files that are there, by name."""
    complete: bool = False
    error: Fault | None = None
    listeners: int = 0


class Helper:
    """Keeps one worker, and a line of sheets for it."""

    def __init__(
        self,
        model: dict[str, Any],
        bell: Bell,
        idle: asyncio.Event,
        start: Callable[[], Awaitable[Worker]] = Worker.start,
    ) -> None:
        """Take what the model is, what to ring, and what is set while no dream is at work."""
        self._model, self._bell, self._idle, self._start = model, bell, idle, start
        self._polite = False
        self._worker: Worker | None = None
        self._using = asyncio.Lock()
        self._sheets: dict[tuple[str, str, str], Sheet] = {}
        self._wanted = asyncio.Event()
        self._at_work: Sheet | None = None
        self._interrupted = False

    async def facts(self) -> dict[str, Any]:
        """Open the model and return what the worker tells of it; raises its DreamError."""
        async with self._using:
            told = [x async for x in (await self._hired()).ask("facts", **self._model)]
            return told[0]

    @contextlib.contextmanager
    def listening(self, picture: Picture, folder: Path, kind: str, layer: str) -> Iterator[Sheet]:
        """Give a sheet, which grows as long as anybody is inside of such a block."""
        key = (picture.id, kind, layer)
        sheet = self._sheets.get(key)
        if sheet is None or sheet.error is not None:
            sheet = Sheet(
                kind, layer, folder / f"preview-{LONGEST}.webp", picture.name, folder / "thumbnails"
            )
            self._sheets[key] = sheet
        sheet.listeners += 1
        self._wanted.set()
        self._make_way()
        try:
            yield sheet
        finally:
            sheet.listeners -= 1
            self._make_way()

    def forget(self, picture: str) -> None:
        """Forget the sheets of a picture that is removed."""
        for key in [x for x in self._sheets if x[0] == picture]:
            del self._sheets[key]

    def give_way(self) -> None:
        """Let a dream have the processors first: what is at work is taken up again behind it."""
        if self._worker is not None and self._at_work is not None:
            self._interrupted = True
            self._worker.stop()

    async def run(self) -> None:
        """Dream the sheets that somebody waits for, for ever."""
        while True:
            await self._wanted.wait()
            sheet = next((x for x in self._sheets.values() if _open(x)), None)
            if sheet is None:
                self._wanted.clear()
                continue
            await self._dream(sheet)
            self._bell.ring()

    async def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            await self._worker.end()

    def _make_way(self) -> None:
        """Stop a sheet at work that nobody waits for, once somebody waits for another; its pictures stay."""
        lonely = self._at_work is not None and not self._at_work.listeners
        if lonely and any(map(_open, self._sheets.values())):
            self.give_way()

    async def _dream(self, sheet: Sheet) -> None:
        self._at_work, self._interrupted = sheet, False
        polite = not self._idle.is_set()
        job = {
            "kind": sheet.kind,
            "layer": sheet.layer,
            "looks": look_names(),
            "source": str(sheet.source),
            "name": sheet.name,
            "folder": str(sheet.folder),
            "polite": polite,
        }
        try:
            sheet.folder.mkdir(exist_ok=True)
            async with self._using:
                async for event in (await self._hired(polite=polite)).ask("thumbnails", **self._model, **job):
                    self._see(sheet, event)
            sheet.complete = not self._interrupted
        except DreamError as error:
            sheet.error = Fault(detail=str(error), hint=error.hint)
        except OSError as error:
            hint = "make room on the disk, or delete results" if atomic.is_full(error) else ""
            sheet.error = Fault(detail=error.strerror or "the studio's folder cannot be used", hint=hint)
        finally:
            self._at_work = None

    def _see(self, sheet: Sheet, event: dict[str, Any]) -> None:
        match event["event"]:
            case "names":
                sheet.names = event["names"]
            case "thumbnail":
                sheet.ready[event["name"]] = event["file"]
        self._bell.ring()

    async def _hired(self, *, polite: bool = False) -> Worker:
        """Return the worker, a new one where the last one has died; or is polite, which it stays for good."""
        if self._worker is not None and self._polite and not polite:
            await self._worker.end()
        if self._worker is None or not self._worker.alive:
            self._worker, self._polite = await self._start(), False
        self._polite = self._polite or polite
        return self._worker


def _open(sheet: Sheet) -> bool:
    return bool(sheet.listeners) and not sheet.complete and sheet.error is None
