"""Server-sent events, as the HTML standard defines them, and the bell that wakes who sends them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HEARTBEAT: Final = 15.0
"""Seconds of silence after which a comment is sent: so a connection that has died is noticed."""

PAUSE: Final = 0.1
"""Seconds between two looks: the steps of a small picture come faster than a page can show them."""

COMMENT: Final = ": still here\n\n"


def event(name: str, data: Any) -> str:
    """Return one event, its data as a line of JSON."""
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


class Bell:
    """Wakes all who listen whenever something has changed; they look for themselves what it is."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Event] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the studio is about to end."""
        return self._closed

    def ring(self) -> None:
        """Wake all listeners."""
        for listener in self._listeners:
            listener.set()

    def close(self) -> None:
        """Let every listener end."""
        self._closed = True
        self.ring()

    async def rings(self) -> AsyncIterator[bool]:
        """Yield True at once and after each ring, or several that come together; False after a long silence.

        It ends when the bell is closed.
        """
        rang = asyncio.Event()
        rang.set()
        self._listeners.add(rang)
        try:
            while not self._closed:
                try:
                    await asyncio.wait_for(rang.wait(), HEARTBEAT)
                except TimeoutError:
                    yield False
                    continue
                rang.clear()
                if not self._closed:
                    yield True
                    await asyncio.sleep(PAUSE)
        finally:
            self._listeners.discard(rang)
