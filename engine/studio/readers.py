"""Pictures read and written, each in a process of its own with limits, a few at the same time."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from engine.errors import ImageError
from engine.studio.problems import Refused
from engine.studio.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from engine.studio.limits import Limits

RETRY = 5
"""Seconds after which to try again where too many wait."""


class Readers:
    """Does short jobs on pictures, one process for each, so that a picture from a stranger harms no other."""

    def __init__(self, limits: Limits, start: Callable[[], Awaitable[Worker]] = Worker.start) -> None:
        self._limits, self._start = limits, start
        self._free = asyncio.Semaphore(limits.readers)
        self._count = 0

    async def do(self, job: str, **arguments: Any) -> list[dict[str, Any]]:
        """Have a job done, and return what was told of it; raises its DreamError, or Refused."""
        if self._count >= self._limits.waiting:
            raise Refused(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "too many pictures are being read",
                "try again in a moment",
                wait=RETRY,
            )
        self._count += 1
        try:
            async with self._free:
                return await self._done(job, arguments)
        finally:
            self._count -= 1

    async def _done(self, job: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
        bounds = {
            "memory": self._limits.memory,
            "seconds": self._limits.seconds,
            "pixels": self._limits.pixels,
        }
        worker = await self._start()
        try:
            async with asyncio.timeout(self._limits.seconds):
                return [x async for x in worker.ask(job, **bounds, **arguments)]
        except TimeoutError:
            name = arguments.get("name", "the picture")
            hint = "save it again as a JPEG or PNG file in a program that you trust"
            raise ImageError(f"{name} takes more than {self._limits.seconds:.0f} s", hint=hint) from None
        finally:
            await worker.end()
