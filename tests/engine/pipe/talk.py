"""The other end of `pipe --live`: requests as bytes, and a talk with it."""

from __future__ import annotations

import json
import os

import numpy as np

from engine.pipe import wire
from tests.engine.pipe.frames import RGB
from tests.engine.pipe.test_wire import as_frame


def request(number: object, *options: str, picture: np.ndarray = RGB, **entries: object) -> bytes:
    line = {"dream": number, "options": list(options), "show": None, **entries}
    return json.dumps(line).encode() + b"\n" + as_frame(picture)


def stop(number: int, **entries: object) -> bytes:
    return json.dumps({"stop": number, **entries}).encode() + b"\n"


class Talk:
    """The other end of a live pipe, in this process or in another one."""

    def __init__(self, writing: int, reading: int) -> None:
        self._writing = writing
        self._from = os.fdopen(reading, "rb")

    def say(self, *parts: bytes) -> None:
        for part in parts:
            rest = memoryview(part)
            while rest:
                rest = rest[os.write(self._writing, rest) :]

    def next(self) -> dict | None:
        line = self._from.readline()
        if not line:
            return None
        event = json.loads(line)
        if event["frame"]:
            header = wire.read_header(self._from.read)
            event["frame"] = wire.read_pixels(self._from.read, header)
        return event

    def until(self, kind: str, number: int | None = None) -> list[dict]:
        """Return all events up to one of a kind."""
        found = []
        while True:
            event = self.next()
            assert event is not None, found
            found.append(event)
            if event["event"] == kind and number in (None, event.get("dream")):
                return found

    def rest(self) -> list[dict]:
        return list(iter(self.next, None))

    def hang_up(self) -> None:
        if self._writing >= 0:
            os.close(self._writing)
        self._writing = -1

    def close(self) -> None:
        self._from.close()
