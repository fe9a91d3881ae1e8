"""Several pictures at once, and that nobody is left working."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from engine.ascent.order import Order
from engine.ascent.step import Step
from engine.batch import crew, events, room
from engine.batch.crew import Crew
from engine.batch.events import Done, Event, Failed, Job, Progress, Skipped, Warned
from engine.batch.shares import Shares
from engine.errors import ImageError
from engine.network.model import DreamModel, load_model
from engine.settings.config import DreamConfig
from tests.engine.conftest import TINY, copies, noise

NOWHERE = events.Streams(None, None)
QUICK = DreamConfig(layers={"mixed0": 1.0, "mixed1": 1.0}, iterations=2)


def jobs(*sources: Path) -> list[Job]:
    return [Job(x, x.with_suffix(".dream.png")) for x in sources]


def job(name: str) -> Job:
    return Job(Path(name), Path(name + ".png"))


def progress(which: Job) -> Progress:
    image = np.zeros((1, 1, 3), np.float32)
    step = Step(1, 1, 1, 1, (1, 1), 1.0, 0.5, False, (), image, image, (1, 1))
    return Progress(which, step, None)  # type: ignore[arg-type]


def crew_of(at_once: int, items: list[Job], model: DreamModel | None = None, threads: int = 1) -> Crew:
    weights = np.zeros(0, np.float32) if model is None else model.channel_weights(QUICK.layers)
    model = model or SimpleNamespace(  # type: ignore[assignment]
        copies=lambda count, *_: [None] * count, weighed_layers=lambda _: ()
    )
    return Crew(model, Order(weights, QUICK), NOWHERE, Shares(at_once, threads, frozenset(items)))


@pytest.fixture
def nobody_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def four(photo: Path) -> list[Job]:
    return jobs(photo, *copies(photo, "b.png", "c.png", "d.png"))


def test_pictures_begin_in_order_and_their_events_come_mixed(monkeypatch) -> None:
    begun: list[str] = []
    together = threading.Barrier(2, timeout=20)

    def perform(which: Job, *_: object) -> Iterator[Event]:
        begun.append(which.name)
        together.wait()
        yield progress(which)
        yield Done(which, 1.0)

    monkeypatch.setattr(crew, "perform", perform)
    a, b, c, d = items = [job(x) for x in "abcd"]
    refused = Failed("x", ImageError("x"))
    events = list(crew_of(2, items).run([a, refused, b, Skipped(job("y")), c, d]))
    assert sorted(begun[:2]) == ["a", "b"]  # threads may overtake each other on their first lines
    assert sorted(begun[2:]) == ["c", "d"]
    assert events[0] is refused
    assert [type(x) for x in events].count(Done) == 4
    assert Skipped(job("y")) in events


def test_pictures_that_come_alone_wait_for_the_others(monkeypatch) -> None:
    at_work: set[str] = set()

    def perform(which: Job, *_: object) -> Iterator[Event]:
        at_work.add(which.name)
        assert which.name != "large" or at_work == {"large"}
        assert (threading.current_thread() is threading.main_thread()) == (which.name == "large")
        yield progress(which)
        at_work.remove(which.name)
        yield Done(which, 1.0)

    monkeypatch.setattr(crew, "perform", perform)
    small = [job("a"), job("b"), job("c")]
    events = list(crew_of(2, small).run([*small[:2], job("large"), small[2]]))
    assert [x.job.name for x in events if isinstance(x, Done)][2:] == ["large", "c"]


def test_errors_end_only_their_own_picture(four, tiny) -> None:
    assert four[1].source is not None
    four[1].source.write_text("no picture")
    done = list(crew_of(2, four, tiny).run(four))
    assert [x.name for x in done if isinstance(x, Failed)] == [four[1].name]
    assert {x.job for x in done if isinstance(x, Done)} == {four[0], *four[2:]}


def test_too_little_memory_ends_only_its_own_picture(four, tiny, monkeypatch) -> None:
    def refuse(image: np.ndarray) -> tuple[float, np.ndarray]:
        raise MemoryError

    monkeypatch.setattr("engine.ascent.tiles.gradient", lambda *_: refuse)
    events = list(crew_of(2, four, tiny).run(four))
    assert [type(x) for x in events] == [Failed] * 4
    assert "not enough memory" in str(events[0].error)  # type: ignore[union-attr]


def full(which: Job, code: int = errno.ENOSPC) -> Failed:
    error = ImageError(f"{which.target} cannot be written")
    error.__cause__ = OSError(code, os.strerror(code))
    return Failed(which.name, error, which.target)


@pytest.mark.parametrize("at_once", [0, 2])
def test_a_full_disk_ends_the_order(four, monkeypatch, at_once: int) -> None:
    """Those at work may end, and no other is begun."""
    begun = []

    def perform(which: Job, *_: object) -> Iterator[Event]:
        begun.append(which)
        yield Warned(which.name, "begun")
        yield full(which)

    monkeypatch.setattr(crew, "perform", perform)
    events = list(crew_of(at_once, four if at_once else []).run([*four, Skipped(job("x"))]))
    assert begun == four[: max(at_once, 1)]
    assert Skipped(job("x")) in events
    last = events[-1]
    assert isinstance(last, Failed)
    said = f"no room for results: {4 - len(begun)} more pictures were left out"
    assert (last.name, str(last.error)) == ("", said)
    assert last.error.exit_code == ImageError.exit_code
    assert "same command again" in last.error.hint


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no room for results"),
        (errno.EDQUOT, "no room for results"),
        (errno.EROFS, "results cannot be written to a read-only disk"),
    ],
)
def test_folders_that_a_full_disk_does_not_take_are_told_once(four, number: int, said: str) -> None:
    refused = [full(x, number) for x in four]
    events = list(crew_of(0, []).run(refused))
    assert events[0] is refused[0]
    assert str(events[1].error) == f"{said}: 3 more pictures were left out"  # type: ignore[union-attr]
    assert len(events) == 2


def test_where_there_is_nothing_to_do_at_the_moment_the_others_go_on(monkeypatch) -> None:
    """What they tell comes meanwhile, and work is asked for again."""
    monkeypatch.setattr(crew, "PAUSE", 0.01)
    done = threading.Event()
    monkeypatch.setattr(crew, "perform", lambda which, *_: iter([progress(which), Done(which, 1.0)]))
    a, b = job("a"), job("b")

    def items() -> Iterator[Job | None]:
        yield a
        while not done.is_set():
            yield None
        yield b

    seen = []
    for event in crew_of(2, [a, b]).run(items()):
        seen.append(event)
        if isinstance(event, Done):
            done.set()
    assert [(type(x), x.job) for x in seen] == [(Progress, a), (Done, a), (Progress, b), (Done, b)]  # type: ignore[union-attr]


def test_an_interruption_is_heard_where_there_is_nothing_to_do(monkeypatch) -> None:
    work = crew_of(2, [job("a")])

    def items() -> Iterator[None]:
        yield None
        assert not work.interrupt()
        yield None
        pytest.fail("goes on")

    with pytest.raises(KeyboardInterrupt):
        list(work.run(items()))


def test_other_disks_and_other_errors_end_nothing(four, tmp_path: Path, monkeypatch) -> None:
    disks = {str(tmp_path): 1, str(tmp_path / "other"): 2}
    monkeypatch.setattr(room.paths, "disk", lambda folder: disks[str(folder)])
    four[2] = Job(four[2].source, tmp_path / "other" / "c.png")
    outcomes = {four[0]: full(four[0], errno.EACCES), four[1]: full(four[1]), four[2]: Done(four[2], 1.0)}
    monkeypatch.setattr(crew, "perform", lambda which, *_: iter([outcomes[which]]))
    events = list(crew_of(0, []).run(four))
    assert events[:3] == list(outcomes.values())
    assert str(events[3].error) == "no room for results: 1 more picture was left out"  # type: ignore[union-attr]


def test_a_disk_that_fills_up_keeps_the_results_so_far(tiny, small_disk: Path, photo: Path) -> None:
    items = [Job(photo, small_disk / f"{i}.png") for i in range(40)]
    events = [x for x in crew_of(0, [], tiny).run(items) if not isinstance(x, Progress)]
    done = [x for x in events if isinstance(x, Done)]
    assert 3 < len(done) < 16
    assert sorted(x.job.target for x in done) == sorted(small_disk.iterdir())  # type: ignore[type-var]
    assert len({x.job.target.read_bytes() for x in done}) == 1  # type: ignore[union-attr]
    failed, left_out = events[len(done) :]
    assert "No space left on device" in str(failed.error)  # type: ignore[union-attr]
    assert f"{40 - len(done) - 1} more pictures" in str(left_out.error)  # type: ignore[union-attr]
    assert shutil.disk_usage(small_disk).free < done[0].job.target.stat().st_size  # type: ignore[union-attr]


def test_a_bug_is_raised_and_stops_the_others(monkeypatch, nobody_left) -> None:
    def perform(which: Job, *_: object) -> Iterator[Event]:
        while True:
            yield progress(which)
            if which.name == "b":
                raise ZeroDivisionError

    monkeypatch.setattr(crew, "perform", perform)
    items = [job("a"), job("b")]
    with pytest.raises(ZeroDivisionError):
        list(crew_of(2, items).run(items))


def endless(which: Job, *_: object) -> Iterator[Event]:
    yield Warned(which.name, "x")
    while True:
        yield progress(which)


def test_an_interruption_ends_all_and_tells_their_last_steps(monkeypatch, nobody_left) -> None:
    monkeypatch.setattr(crew, "perform", endless)
    items = [job(x) for x in "abcd"]
    work, seen = crew_of(2, items), set()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes while we listen
        for event in work.run(items):
            if isinstance(event, Progress):
                seen.add(event.job.name)
            if seen == {"a", "b"}:
                work.interrupt()
                seen.add("interrupted")
    assert set(work.unfinished) == {"a", "b"}


def test_a_picture_written_meanwhile_counts_as_done(monkeypatch, nobody_left) -> None:
    interrupted = threading.Event()

    def perform(which: Job, *_: object) -> Iterator[Event]:
        yield Warned(which.name, "at work")
        interrupted.wait(20)
        if which.name == "b":
            yield progress(which)
        yield Done(which, 1.0)

    monkeypatch.setattr(crew, "perform", perform)
    items = [job("a"), job("b")]
    work, events = crew_of(2, items), []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        for event in work.run(items):
            events.append(event)
            if len(events) == 2:
                work.interrupt()
                interrupted.set()
    assert Done(items[0], 1.0) in events
    assert set(work.unfinished) == {"b"}


def test_an_interruption_before_anybody_is_at_work(monkeypatch, nobody_left) -> None:
    monkeypatch.setattr(crew, "perform", endless)
    for small in ([], [job("a"), job("b")]):
        work = crew_of(2, small)
        assert not work.interrupt()  # there is nothing to keep
        with pytest.raises(KeyboardInterrupt):
            list(work.run([job("a"), job("b")]))


@pytest.mark.parametrize("at_once", [0, 2])
def test_an_interruption_ends_a_wait(four, tiny, monkeypatch, nobody_left, at_once: int) -> None:
    monkeypatch.setattr("engine.batch.jobs.images.read", lambda _: pytest.fail("is replaced"))

    def failing(source: Path, _: object):
        raise ImageError(f"{source} cannot be read") from OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("engine.batch.jobs.images.read", failing)
    weights = tiny.channel_weights(QUICK.layers)
    shares = Shares(at_once, 1, frozenset(four if at_once else []))
    work = Crew(tiny, Order(weights, QUICK), NOWHERE, shares, retries=100)
    running = work.run(four)
    assert isinstance(next(running), Warned)
    work.interrupt()
    with pytest.raises(KeyboardInterrupt):
        list(running)


def test_a_large_picture_stops_after_its_step(monkeypatch) -> None:
    monkeypatch.setattr(crew, "perform", endless)
    work, seen = crew_of(1, []), 0
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - it comes while we listen
        for event in work.run([job("large")]):
            seen += isinstance(event, Progress)
            assert seen < 4
            if seen == 3:
                assert work.interrupt()
    assert set(work.unfinished) == {"large"}


def test_nobody_is_left_when_nobody_listens_any_more(monkeypatch, nobody_left) -> None:
    monkeypatch.setattr(crew, "perform", endless)
    items = [job("a"), job("b")]
    running = crew_of(2, items).run(items)
    next(running)
    running.close()  # as when an exception leaves the loop, here with threads that cannot get rid of events


@pytest.mark.slow
def test_several_at_once_give_the_same_files_as_one_by_one(four, tiny) -> None:
    """Each on one thread, on more than one, and after other pictures with the same model."""
    for which, shape in zip(four, [(30, 40), (33, 57), (30, 40), (70, 64)], strict=True):
        noise(*shape).save(which.source)
    two = load_model(TINY, device="cpu", threads=2)
    for model, threads in ((tiny, 1), (two, 2)):
        files = []
        for small in ([], four):
            for event in crew_of(2, small, model, threads).run(four):
                assert not isinstance(event, Failed)
            files.append([x.target.read_bytes() for x in four if x.target])
        assert files[0] == files[1]
