"""A studio whose workers are no processes: they answer at once, or when a test lets them."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from engine.settings.config import DreamConfig
from engine.settings.recipe import Recipe

pytest.importorskip("fastapi", reason="needs the extra [web]")

from starlette.testclient import TestClient

from engine.studio.app import application
from engine.studio.limits import Limits
from engine.studio.studio import Studio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

MODEL = {"model": None, "device": "cpu", "threads": 1, "max_memory": None}

FACTS = {
    "event": "facts",
    "device": "cpu",
    "fallback": "",
    "threads": 2,
    "model": "/home/somebody/tiny.onnx",
    "smallest": 11,
    "layers": [{"name": "mixed0", "channels": 4}, {"name": "mixed1", "channels": 6}],
    "default_layers": {},
    "formats": [
        {"name": x, "title": x.upper(), "depths": ["8"], "alpha": True, "lossy": False}
        for x in ("png", "jpg")
    ],
}

STEP = {"octave": 1, "octaves": 2, "iteration": 1, "iterations": 2, "fraction": 0.25, "seconds_left": 3.0}


class FakeWorker:
    """Answers as a worker does; a dream waits at its second step while `held` is set."""

    held = threading.Event()
    started = 0

    def __init__(self) -> None:
        self.alive = True
        self._stopped = self._killed = False

    @classmethod
    async def start(cls) -> FakeWorker:
        cls.started += 1
        return cls()

    async def ask(self, job: str, **words: Any) -> AsyncIterator[dict[str, Any]]:
        async for event in getattr(self, job)(words):
            yield event

    def stop(self) -> None:
        self._stopped = True

    def kill(self) -> None:
        self._killed, self.alive = True, False

    async def end(self) -> None:
        self.kill()

    async def facts(self, _: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield FACTS

    async def read(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        from engine.studio.work import reading

        content = Path(words["source"]).read_bytes()
        if content.startswith(b"PICTURE"):  # as good as one
            Path(words["target"]).write_bytes(content)
            facts = {"width": 40, "height": 30, "depth": "8", "alpha": False, "recipe": None, "warnings": []}
            yield {"event": "picture", **facts}
            return
        yield reading.understood(words)

    async def show(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        shutil.copy(words["source"], words["target"])
        yield {"event": "shown"}

    async def write(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        shutil.copy(words["source"], words["target"])
        if False:
            yield {}

    async def dream(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        folder = Path(words["folder"])
        content = Path(words["source"]).read_bytes()
        (folder / "preview.webp").write_bytes(content)
        yield {"event": "step", **STEP}
        yield {"event": "preview"}
        while self.held.is_set() and not self._stopped and not self._killed:
            await asyncio.sleep(0.005)
        if self._killed:
            return
        (folder / "result.png").write_bytes(b"DREAM OF " + content)
        recipe = Recipe(config=DreamConfig(**words["settings"]), finished=not self._stopped)
        (folder / "recipe.json").write_text(recipe.to_json())
        yield {"event": "step", **STEP, "fraction": 1.0}

    async def film(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        yield {"event": "frame", "fraction": 0.5, "seconds_left": None}
        Path(words["target"]).write_bytes(b"FILM")

    async def thumbnails(self, words: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        names = words["looks"][:3] if words["kind"] == "looks" else ["mixed0", "mixed1"]
        yield {"event": "names", "names": names}
        for name in names:
            Image.new("RGB", (4, 3)).save(Path(words["folder"]) / f"{name}.webp")
            yield {"event": "thumbnail", "name": name, "file": f"{name}.webp"}


@pytest.fixture
def client_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TestClient]:
    """Make a client of a studio with other limits, a token, or a folder of its own."""
    FakeWorker.held.clear()
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # a worker's own process has it

    def make(folder: Path = tmp_path / "shelf", token: str | None = None, **limits: Any) -> TestClient:
        folder.mkdir(exist_ok=True)
        studio = Studio(folder, MODEL, Limits(**limits), FakeWorker.start)
        app = application(studio, token=token, port=8600)
        return TestClient(app, base_url="http://127.0.0.1:8600", headers={"x-deepdream": "1"})

    return make


@pytest.fixture
def client(client_of: Callable[..., TestClient]) -> Iterator[TestClient]:
    with client_of() as client:
        yield client


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Hold every dream at its second step, until it is cleared."""
    FakeWorker.held.set()
    yield FakeWorker.held
    FakeWorker.held.clear()


def sent(client: TestClient, content: bytes = b"PICTURE", name: str = "cat.png") -> dict[str, Any]:
    answer = client.post("/api/pictures", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    return answer.json()


def ordered(client: TestClient, picture: str, **wanted: Any) -> dict[str, Any]:
    answer = client.post("/api/dreams", json={"picture": picture, **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()


def events(client: TestClient, url: str) -> list[tuple[str, Any]]:
    """All events of a stream that ends."""
    answer = client.get(url)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = [x.split("\n") for x in answer.text.strip().split("\n\n")]
    return [(x[0].removeprefix("event: "), json.loads(x[1].removeprefix("data: "))) for x in blocks]


def dreamed(client: TestClient, picture: str, **wanted: Any) -> dict[str, Any]:
    """Dream to the end."""
    dream = ordered(client, picture, **wanted)
    name, data = events(client, f"/api/dreams/{dream['id']}/events")[-1]
    assert name == "end"
    return data
