"""The queue: dreams and films one after another, each in a worker of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from engine.errors import DreamError
from engine.studio.problems import Refused
from engine.studio.schema import Fault, Film, Progress
from engine.studio.shelf import busy
from engine.studio.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.studio.limits import Limits
    from engine.studio.schema import Dream, FilmWanted
    from engine.studio.shelf import Shelf
    from engine.studio.sse import Bell

log = logging.getLogger(__name__)

REPORT = "please report it, with what the terminal says"

PATIENCE = 120.0
"""Seconds that a stopped dream may take to write what it has."""

LONGEST = 1600
"""Longer side of the copy of a result that the page shows."""

GROWING = 800
"""Longer side of the pictures that show how it grows."""


class Queue:
    """What waits, and what is at work."""

    def __init__(
        self,
        shelf: Shelf,
        model: dict[str, Any],
        limits: Limits,
        bell: Bell,
        start: Callable[[], Awaitable[Worker]] = Worker.start,
    ) -> None:
        self._shelf, self._model, self._limits, self._bell, self._start = shelf, model, limits, bell, start
        self._waiting: asyncio.Queue[tuple[str, FilmWanted | None]] = asyncio.Queue()
        self._worker: Worker | None = None
        self._at_work = ""
        self._looks = 0
        self.idle = asyncio.Event()
        """Set while nothing is at work."""
        self.idle.set()
        self.at_start: Callable[[], object] = lambda: None
        """Called before a worker begins."""
        for dream in reversed(list(shelf.dreams)):
            if dream.status == "queued":
                self._waiting.put_nowait((dream.id, None))

    def check_room(self) -> None:
        """Raise Refused where the queue is full."""
        if sum(map(busy, self._shelf.dreams)) >= self._limits.queue:
            raise Refused(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"{self._limits.queue} dreams wait already",
                "try again when one of them is done",
                wait=30,
            )

    def add(self, dream: Dream) -> None:
        """Put a new dream at the end of the queue."""
        self.check_room()
        try:
            self._shelf.dreams.keep(dream)
        except OSError:  # whoever asked is told, and it does not wait
            self._shelf.dreams.remove(dream.id)
            raise
        self._waiting.put_nowait((dream.id, None))
        self._bell.ring()

    def add_film(self, dream: Dream, wanted: FilmWanted) -> None:
        """Put a film of a dream's result at the end of the queue."""
        self.check_room()
        (self._shelf.dreams.folder(dream.id) / f"film.{wanted.format}").unlink(missing_ok=True)
        dream.film = Film(status="queued", file=f"film.{wanted.format}")
        self._changed(dream)
        self._waiting.put_nowait((dream.id, wanted))

    def stop(self, dream: Dream) -> None:
        """Stop a dream, or its film: what waits is not begun, what is at work keeps what it has."""
        part = _current(dream)
        if part.status == "queued":
            part.status = "stopped"
            self._changed(dream)
        elif part.status == "working":
            part.status = "stopping"
            if self._worker is not None and dream.progress is None:
                self._worker.kill()  # it has nothing to keep yet, and may be reading a large picture
            elif self._worker is not None:
                self._worker.stop()
                asyncio.get_running_loop().call_later(PATIENCE, self._worker.kill)
            self._changed(dream)

    async def remove(self, dream: Dream) -> None:
        """Remove a dream with all that belongs to it, at work or not."""
        at_work = dream.id == self._at_work
        self._shelf.remove(dream)
        self._bell.ring()
        if at_work and self._worker is not None:
            await self._worker.end()
            await self.idle.wait()
            self._shelf.dreams.remove(dream.id)  # what it wrote meanwhile

    async def run(self) -> None:
        """Do what waits, one after another, for ever."""
        while True:
            key, film = await self._waiting.get()
            dream = self._shelf.dreams.get(key)
            if dream is None or _current(dream).status != "queued":
                continue
            self._at_work = key
            self.idle.clear()
            self.at_start()
            try:
                await (self._dream(dream) if film is None else self._film(dream, film))
            except Exception:  # a bug must not end the queue
                log.exception("a dream failed")
                part = _current(dream)
                part.status, part.error = "failed", Fault(detail="the studio has a fault", hint=REPORT)
                self._bell.ring()
            finally:
                self._at_work = ""
                self.idle.set()

    async def close(self) -> None:
        """End what is at work."""
        if self._worker is not None:
            await self._worker.end()

    async def _dream(self, dream: Dream) -> None:
        dream.status, dream.begun = "working", time.time()
        self._changed(dream)
        fault = await self._worked("dream", dream, self._job(dream))
        done = (self._shelf.dreams.folder(dream.id) / "recipe.json").exists()
        if done:
            dream.result = f"/api/dreams/{dream.id}/result"
        dream.ended = time.time()
        stopped = _state(dream) == "stopping"
        dream.error = None if stopped and dream.progress is None else fault
        # Last of all: whoever reads it finds all else in place.
        dream.status = "failed" if dream.error else "stopped" if stopped else "done"
        self._changed(dream)

    async def _film(self, dream: Dream, wanted: FilmWanted) -> None:
        film = dream.film
        assert film is not None  # noqa: S101 - for the type checker
        film.status = "working"
        self._changed(dream)
        folder = self._shelf.dreams.folder(dream.id)
        job = {
            "source": str(result_of(folder)),
            "name": dream.name,
            "target": str(folder / film.file),
            "layers": dream.settings["layers"],
            "seed": dream.settings["seed"],
            **wanted.model_dump(exclude={"format"}),
        }
        fault = await self._worked("film", dream, job)
        stopped = _state(dream) == "stopping"
        film.error = None if stopped else fault
        film.status = "stopped" if stopped else "failed" if fault else "done"
        self._changed(dream)

    async def _worked(self, name: str, dream: Dream, job: dict[str, Any]) -> Fault | None:
        """Have a worker do it; return what went wrong."""
        try:
            self._worker = worker = await self._start()
            try:
                if _state(dream) == "stopping":
                    return None
                async with asyncio.timeout(self._limits.longest):
                    async for event in worker.ask(name, **self._model, **job):
                        self._see(dream, event)
            finally:
                await worker.end()
                self._worker = None
        except TimeoutError:
            hours = f"{self._limits.longest / 3600:g} hours"
            return Fault(detail=f"it took more than {hours}", hint="fewer octaves or iterations are faster")
        except DreamError as error:
            return Fault(detail=str(error), hint=error.hint)
        except OSError as error:
            return Fault(detail=error.strerror or "the disk takes nothing more", hint="make room there")
        return None

    def _job(self, dream: Dream) -> dict[str, Any]:
        guide = None if dream.guide is None else self._file(dream.guide)
        mask = dream.mask if dream.mask in {None, "alpha"} else self._file(str(dream.mask))
        return {
            **self._file(dream.picture),
            "folder": str(self._shelf.dreams.folder(dream.id)),
            "settings": dream.settings,
            "guide": guide,
            "mask": mask,
            "longest": LONGEST,
            "growing": GROWING,
        }

    def _file(self, picture: str) -> dict[str, str]:
        record = self._shelf.pictures.get(picture)
        name = "picture" if record is None else record.name
        return {"source": str(self._shelf.pictures.folder(picture) / "source"), "name": name}

    def _see(self, dream: Dream, event: dict[str, Any]) -> None:
        match event["event"]:
            case "step":
                dream.progress = Progress(**{x: event[x] for x in Progress.model_fields})
            case "frame" if dream.film is not None:
                dream.film.fraction, dream.film.seconds_left = event["fraction"], event["seconds_left"]
            case "warning":
                dream.warnings = [*dream.warnings, event["message"]]
            case "preview":
                self._looks += 1
                dream.preview = f"/api/dreams/{dream.id}/preview?look={self._looks}"
        self._bell.ring()

    def _changed(self, dream: Dream) -> None:
        """Keep a dream's new state, unless it was removed meanwhile."""
        if self._shelf.dreams.get(dream.id) is dream:
            with contextlib.suppress(OSError):  # the disk is full: what is in memory counts
                self._shelf.dreams.keep(dream)
        self._bell.ring()


def result_of(folder: Any) -> Any:
    """Return the file of a result that is kept without loss; raises Refused where there is none."""
    for name in ("result.png", "result.tiff"):
        if (folder / name).exists() and (folder / "recipe.json").exists():
            return folder / name
    raise Refused(HTTPStatus.CONFLICT, "there is no result yet", "wait until it is done")


def _current(dream: Dream) -> Any:
    """Return what of a dream may wait or be at work: its film, once there is one."""
    return dream if dream.film is None else dream.film


def _state(dream: Dream) -> str:
    """Return the state of what may be at work now: somebody may have stopped it meanwhile."""
    return str(_current(dream).status)
