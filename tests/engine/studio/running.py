"""A studio as users start it, on the tests' tiny model, and what is asked of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2 as httpx
import psutil

from tests.engine.conftest import TINY

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = ["--model", str(TINY), "--threads", "1"]
ROOT = Path(__file__).parents[3]
LIMIT = 120.0
"""Seconds that only a hang would reach."""

QUICK = {"preset": "keras", "layers": "mixed0,mixed1", "iterations": 2}
ENDLESS = {"preset": "keras", "layers": "mixed0,mixed1", "iterations": 10000, "max_loss": None}


class Running:
    """A studio's process, and a client of it."""

    def __init__(self, home: Path, *words: str, token: str = "") -> None:
        environment = os.environ | {"XDG_CACHE_HOME": str(home), "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "studio", "--port", "0", "--no-browser", *OPTIONS, *words],
            cwd=home,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.process.communicate()[1]
        headers = {"x-deepdream": "1"} | ({"authorization": f"Bearer {token}"} if token else {})
        base = self.url.partition("?")[0]
        self.client = httpx.Client(base_url=base, headers=headers, timeout=LIMIT, trust_env=False)

    def workers(self) -> list[psutil.Process]:
        """The processes that it has started."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def send(self, content: bytes, name: str = "cat.png") -> dict[str, Any]:
        answer = self.client.post("/api/pictures", params={"name": name}, content=content)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def order(self, picture: str, **settings: Any) -> dict[str, Any]:
        answer = self.client.post("/api/dreams", json={"picture": picture, "settings": settings or QUICK})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def events(self, path: str) -> Iterator[tuple[str, Any]]:
        """Yield the events of a stream as they come."""
        name = ""
        with self.client.stream("GET", path) as answer:
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line[7:]
                elif line.startswith("data: "):
                    yield name, json.loads(line[6:])

    def until(self, dream: dict[str, Any], wanted: str) -> Any:
        """Follow a dream until an event comes."""
        with contextlib.closing(self.events(f"/api/dreams/{dream['id']}/events")) as told:
            return next(data for name, data in told if name == wanted)

    def over(self, dream: dict[str, Any]) -> dict[str, Any]:
        return self.until(dream, "end")

    def end(self, which: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it by a signal; return its exit code and what it said."""
        self.client.close()
        self.process.send_signal(which)
        _, said = self.process.communicate(timeout=LIMIT)
        return self.process.returncode, said


@contextlib.contextmanager
def running(home: Path, *words: str, token: str = "") -> Iterator[Running]:
    studio = Running(home, *words, token=token)
    try:
        yield studio
    finally:
        studio.client.close()
        if studio.process.poll() is None:
            studio.process.terminate()
        studio.process.communicate(timeout=LIMIT)
