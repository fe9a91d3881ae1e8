"""The warm worker: which thumbnails it dreams when several wait, or nobody does any more."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra [web]")

from engine.studio.helper import Helper, Sheet
from engine.studio.schema import Picture
from engine.studio.sse import Bell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

LIMIT = 60.0
"""Seconds that only a hang would reach."""


class Held:
    """A worker whose sheets have one thumbnail, and another one once `go` is set, unless it was stopped."""

    def __init__(self) -> None:
        self.alive, self.go, self.started = True, asyncio.Event(), 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.asked: list[str] = []
        self.polite: list[bool] = []
        self._stopped = asyncio.Event()

    async def start(self) -> Held:
        self.alive, self.started = True, self.started + 1
        return self

    async def ask(self, _job: str, **words: Any) -> AsyncIterator[dict[str, Any]]:
        self._stopped.clear()
        self.asked.append(words["kind"])
        self.polite.append(words["polite"])
        yield {"event": "names", "names": ["a", "b"]}
        yield {"event": "thumbnail", "name": "a", "file": "a.webp"}
        waits = [asyncio.create_task(x.wait()) for x in (self.go, self._stopped)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        if not self._stopped.is_set():
            yield {"event": "thumbnail", "name": "b", "file": "b.webp"}

    def stop(self) -> None:
        self._stopped.set()

    async def end(self) -> None:
        self.alive = False


@contextlib.contextmanager
def listening(helper: Helper, folder: Path, kind: str) -> Iterator[Sheet]:
    folder.mkdir(exist_ok=True)
    facts = {"width": 4, "height": 3, "depth": "8", "alpha": False, "recipe": None, "warnings": []}
    picture = Picture(id="A" * 16, name="cat.png", created=0.0, preview="", **facts)
    with helper.listening(picture, folder, kind, "") as sheet:
        yield sheet


async def until(true: Callable[[], object]) -> None:
    while not true():
        await asyncio.sleep(0)


def with_helper(test: Callable[[Helper, Held], Awaitable[None]]) -> None:
    """Run a test with a helper at work."""

    async def run() -> None:
        worker = Held()
        helper = Helper({}, Bell(), worker.idle, worker.start)
        at_work = asyncio.create_task(helper.run())
        async with asyncio.timeout(LIMIT):
            await test(helper, worker)
        assert not at_work.done()
        at_work.cancel()
        await helper.close()

    asyncio.run(run())


def test_what_is_begun_is_finished_when_nobody_wants_another(tmp_path: Path) -> None:
    """A tab that is hidden listens no more; its thumbnails are there when somebody looks again."""

    async def test(helper: Helper, worker: Held) -> None:
        with listening(helper, tmp_path / "one", "looks") as sheet:
            await until(lambda: sheet.ready)
        worker.go.set()
        await until(lambda: sheet.complete)
        with listening(helper, tmp_path / "one", "looks") as again:
            assert set(again.ready) == {"a", "b"}
        assert worker.asked == ["looks"]

    with_helper(test)


def test_what_nobody_wants_makes_way_for_what_somebody_does(tmp_path: Path) -> None:
    async def test(helper: Helper, worker: Held) -> None:
        with listening(helper, tmp_path / "one", "looks") as sheet:
            await until(lambda: sheet.ready)
        with listening(helper, tmp_path / "one", "layers") as wanted:
            await until(lambda: wanted.ready)
            assert not sheet.complete
            worker.go.set()
            await until(lambda: wanted.complete)
        with listening(helper, tmp_path / "one", "looks") as again:
            await until(lambda: again.complete)
        assert worker.asked == ["looks", "layers", "looks"]

    with_helper(test)


def test_two_who_wait_get_theirs_one_after_the_other(tmp_path: Path) -> None:
    async def test(helper: Helper, worker: Held) -> None:
        with (
            listening(helper, tmp_path / "one", "looks") as one,
            listening(helper, tmp_path / "one", "layers") as two,
        ):
            await until(lambda: one.ready)
            assert not two.ready
            worker.go.set()
            await until(lambda: one.complete and two.complete)

    with_helper(test)


def test_a_folder_that_is_gone_is_told_and_the_next_one_comes(tmp_path: Path) -> None:
    async def test(helper: Helper, worker: Held) -> None:
        worker.go.set()
        (tmp_path / "one").mkdir()
        with listening(helper, tmp_path / "one", "looks") as gone:
            (tmp_path / "one").rmdir()
            await until(lambda: gone.error)
        with listening(helper, tmp_path / "one", "layers") as wanted:
            await until(lambda: wanted.complete)

    with_helper(test)


def test_a_dream_comes_first_and_what_it_interrupts_goes_on_politely(tmp_path: Path) -> None:
    async def test(helper: Helper, worker: Held) -> None:
        with listening(helper, tmp_path / "one", "looks") as sheet:
            await until(lambda: sheet.ready)
            worker.idle.clear()
            helper.give_way()
            await until(lambda: worker.polite == [False, True])
            worker.go.set()
            await until(lambda: sheet.complete)
        assert worker.started == 1
        worker.idle.set()
        with listening(helper, tmp_path / "one", "layers") as wanted:
            await until(lambda: wanted.complete)
        assert (worker.polite, worker.started) == ([False, True, False], 2)

    with_helper(test)
