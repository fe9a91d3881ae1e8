"""The studio: its shelf, its queue, its workers, and what is asked of them together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from engine.errors import UsageError
from engine.settings import presets
from engine.settings.config import fit_layers, settings
from engine.settings.origin import bare_name
from engine.settings.selectors import layer_of, named_channels, parse_layers, suggest
from engine.settings.setting import brief
from engine.studio.about import about
from engine.studio.helper import Helper
from engine.studio.limits import Limits
from engine.studio.problems import Refused, gone
from engine.studio.queue import LONGEST, Queue
from engine.studio.readers import Readers
from engine.studio.schema import Dream, Picture
from engine.studio.shelf import Shelf
from engine.studio.sse import Bell
from engine.studio.workers import Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from engine.settings.config import DreamConfig
    from engine.studio.schema import About, DreamWanted, Use

TIDY: Final = 60.0
"""Seconds between two looks for what has expired."""

NAMELESS: Final = "picture"


class Studio:
    """All of the server but HTTP."""

    def __init__(
        self,
        folder: Path,
        model: Mapping[str, Any],
        limits: Limits | None = None,
        start: Callable[[], Awaitable[Worker]] = Worker.start,
    ) -> None:
        """Take the folder to keep things in, and what a worker's job says of the model."""
        self.limits = limits or Limits()
        self.bell = Bell()
        self.shelf = Shelf(folder)
        self.queue = Queue(self.shelf, dict(model), self.limits, self.bell, start)
        self.helper = Helper(dict(model), self.bell, self.queue.idle, start)
        self.readers = Readers(self.limits, start)
        self.queue.at_start = self.helper.give_way
        self.about: About
        self._default_layers: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Open the model and begin to work; raises the DreamError of a model that cannot be opened."""
        facts = await self.helper.facts()
        self.about, self._default_layers = about(facts, self.limits), facts["default_layers"]
        self._tasks = [asyncio.create_task(x) for x in (self.queue.run(), self.helper.run(), self._tidy())]

    async def close(self) -> None:
        """End all that is at work."""
        self.bell.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(self.queue.close(), self.helper.close())
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def take(self, name: str, content: AsyncIterator[bytes], use: Use = "dream") -> Picture:
        """Keep a picture that is sent, and read it; raises Refused, and ImageError for one that is none."""
        name = bare_name(name) if name.strip() else NAMELESS
        key = self.shelf.pictures.new()
        folder = self.shelf.pictures.folder(key)
        try:
            await self._receive(folder / "source", content)
            facts = await self.readers.do(
                "read",
                source=str(folder / "source"),
                name=name,
                target=str(folder / f"preview-{LONGEST}.webp"),
                longest=LONGEST,
            )
            told = {x: y for x, y in facts[0].items() if x != "event"}
            preview = f"/api/pictures/{key}/preview"
            record = Picture(id=key, name=name, use=use, created=time.time(), preview=preview, **told)
            self.shelf.pictures.keep(record)
        except BaseException:  # whoever sent it may have gone, too
            self.shelf.pictures.remove(key)
            raise
        return record

    def picture(self, key: str) -> Picture:
        """Return a picture; raises Refused where there is none."""
        found = self.shelf.pictures.get(key)
        if found is None:
            raise gone("picture")
        return found

    def dream(self, key: str) -> Dream:
        """Return a dream; raises Refused where there is none."""
        found = self.shelf.dreams.get(key)
        if found is None:
            raise gone("dream")
        return found

    def order(self, wanted: DreamWanted) -> Dream:
        """Put a dream into the queue; raises Refused, and UsageError for settings that make no sense."""
        picture = self.picture(wanted.picture)
        for key in {wanted.guide, wanted.mask} - {None, "alpha"}:
            self.picture(str(key))
        preset, config, warnings = self._configured(wanted.settings)
        self.queue.check_room()
        dream = Dream(
            id=self.shelf.dreams.new(),
            name=bare_name(wanted.name) if wanted.name.strip() else picture.name,
            status="queued",
            picture=picture.id,
            preset=preset,
            settings={"layers": dict(config.layers)} | {x: getattr(config, x) for x in settings()},
            guide=wanted.guide,
            mask=wanted.mask,
            width=picture.width,
            height=picture.height,
            created=time.time(),
            warnings=list(warnings),
        )
        self.queue.add(dream)
        return dream

    def remove_picture(self, picture: Picture) -> None:
        """Remove a picture; raises Refused while a dream needs it."""
        if self.shelf.users(picture.id):
            raise Refused(
                HTTPStatus.CONFLICT, "a dream was made with this picture", "delete its dreams first"
            )
        self.helper.forget(picture.id)
        self.shelf.pictures.remove(picture.id)

    def _configured(self, given: Mapping[str, Any]) -> tuple[str, DreamConfig, tuple[str, ...]]:
        chosen = dict(given)
        preset = chosen.pop("preset", presets.DEFAULT)
        if preset not in presets.names():  # never a path
            raise UsageError(
                f"there is no preset called {brief(preset)}", hint=suggest(str(preset), presets.names())
            )
        if isinstance(chosen.get("layers"), str):
            chosen["layers"] = parse_layers(chosen["layers"])
        config = presets.configure(preset, chosen)
        sizes = {x.name: x.channels for x in self.about.layers}
        by, default = presets.chosen(chosen, preset), self._default_layers
        config, warnings = fit_layers(config, sizes, chosen=by, default=default)
        for selector in config.layers:
            named_channels(selector, sizes[layer_of(selector)])
        return preset, config, warnings

    async def _receive(self, target: Path, content: AsyncIterator[bytes]) -> None:
        """Write what is sent to a file, within limits."""
        room = self.limits.disk - await asyncio.to_thread(self.shelf.used)
        count = 0
        with target.open("xb") as file:
            async for part in content:
                count += len(part)
                if count > self.limits.bytes:
                    raise Refused(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"the file has more than {self.limits.bytes / 1e6:.0f} MB",
                        "make it smaller, or dream on it with deepdream dream",
                    )
                if count > room:
                    raise Refused(
                        HTTPStatus.INSUFFICIENT_STORAGE, "the studio is full", "delete pictures and dreams"
                    )
                file.write(part)
        if not count:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "the picture is empty", "send a picture's file")

    async def _tidy(self) -> None:
        while self.limits.age is not None:
            await asyncio.sleep(TIDY)
            with contextlib.suppress(OSError):
                self.shelf.expire(self.limits.age)
