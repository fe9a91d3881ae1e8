"""How the processors are shared among pictures."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine import machine
from engine.batch.events import Job, Skipped
from engine.batch.shares import Shares, share, share_unforeseen
from engine.files import images
from engine.network.model import DreamModel
from engine.settings.tiling import Tiling
from tests.engine.conftest import copies, noise


def computer(threads: int, device: str = "cpu") -> DreamModel:
    metadata = SimpleNamespace(gradient_bytes=0)
    return SimpleNamespace(threads=threads, device=device, metadata=metadata)  # type: ignore[return-value]


def jobs(*sources: Path) -> list[Job]:
    return [Job(x, x.with_suffix(".dream.png")) for x in sources]


@pytest.fixture
def four(photo: Path) -> list[Job]:
    return jobs(photo, *copies(photo, "b.png", "c.png", "d.png"))


@pytest.mark.parametrize(
    ("threads", "wanted", "at_once", "each"),
    [
        (2, None, 2, 1),
        (4, None, 4, 1),
        (9, None, 4, 2),
        (4, 2, 2, 2),
        (2, 9, 2, 1),
        (8, 8, 4, 1),
        (3, 2, 2, 1),
    ],
)
def test_threads_are_shared_and_never_more(four, threads: int, wanted, at_once: int, each: int) -> None:
    assert share(four, computer(threads), Tiling(), wanted) == Shares(at_once, each, frozenset(four))


@pytest.mark.parametrize(
    ("threads", "device", "wanted", "count"),
    [(1, "cpu", None, 4), (4, "cpu", 1, 4), (4, "cuda:0", None, 4), (4, "cuda:0", 3, 4), (4, "cpu", None, 1)],
)
def test_one_by_one_on_all_threads(four, threads: int, device: str, wanted, count: int) -> None:
    assert share(four[:count], computer(threads, device), Tiling(), wanted) == Shares(1, threads, frozenset())


def test_the_order_alone_decides_the_threads_unless_they_are_asked_for(four) -> None:
    """With --jobs, a picture that is dreamed later, when the others are done, gives the same file."""
    assert share(four[:1], computer(4), Tiling(), 2) == Shares(1, 2, frozenset(four[:1]))


def test_a_last_round_of_few_pictures_comes_alone(four) -> None:
    """Else three pictures on two processors would take as long as four."""
    assert share(four[:3], computer(2), Tiling()) == Shares(2, 1, frozenset(four[:2]))
    assert share(four[:3], computer(2), Tiling(), 2) == Shares(2, 1, frozenset(four[:3]))
    assert share(four, computer(3), Tiling()).small == frozenset(four[:3])


def test_what_is_finished_already_counts_too(four) -> None:
    """So a resumed run gives the bytes of one that was not interrupted."""
    for finished in range(1, 4):
        items = [*map(Skipped, four[:finished]), *four[finished:]]
        assert share(items, computer(2), Tiling()) == Shares(
            min(2, 4 - finished), 1, frozenset(four[finished:])
        )
    assert share([*map(Skipped, four[:2]), four[2]], computer(2), Tiling()).small == frozenset()
    assert share([*map(Skipped, four)], computer(2), Tiling()) == Shares(1, 2, frozenset())


def test_pictures_that_are_still_to_come_share_too(four, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: None)
    some = share_unforeseen(computer(2), Tiling())
    assert (some.at_once, some.threads) == (2, 1)
    noise(1025, 1024).save(tmp_path / "large.png")
    assert [x in some.small for x in [*four, *jobs(tmp_path / "large.png", tmp_path / "none.png")]] == [
        *[True] * 4,
        False,
        False,
    ]
    assert share_unforeseen(computer(2), Tiling(), 1) == Shares(1, 2, frozenset())
    assert share_unforeseen(computer(2, "cuda:0"), Tiling()) == Shares(1, 2, frozenset())


def test_large_pictures_and_what_is_no_file_come_one_by_one(four, tmp_path: Path) -> None:
    noise(1025, 1024).save(tmp_path / "large.png")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.png")  # to look into it would take its head away
    others = [*jobs(tmp_path / "large.png", tmp_path / "fifo.png", tmp_path / "none.png"), Job(None, None)]
    assert share([*others, *four], computer(2), Tiling()).small == frozenset(four)
    assert share(others, computer(2), Tiling()) == Shares(1, 2, frozenset())


def test_memory_decides_how_many_come_at_once(four, monkeypatch) -> None:
    monkeypatch.setattr(images, "pixel_count", lambda _: 1_000_000)
    monkeypatch.setattr(machine, "available_memory", lambda: None)
    few = share(four, computer(4), Tiling(max_memory=1_700_000_000))
    assert (few.at_once, few.threads) == (2, 2)
    assert share(four, computer(4), Tiling(max_memory=300_000_000)).at_once == 1
    monkeypatch.setattr(machine, "available_memory", lambda: 1_700_000_000)
    free = share(four, computer(4), Tiling(max_memory=9_000_000_000))
    assert (free.at_once, free.threads) == (2, 1)  # as many threads each as with more free memory
