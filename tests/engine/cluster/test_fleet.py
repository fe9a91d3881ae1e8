"""Who gets which picture, and what becomes of it where workers are lost: on a cluster that is none."""

from __future__ import annotations

import errno
import pickle
from collections import Counter, deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from engine.ascent.order import order_for
from engine.batch.events import Done, Event, Failed, Job, Streams, Told, Warned
from engine.batch.jobs import perform
from engine.cluster import fleet as fleet_module
from engine.cluster import ray_session
from engine.cluster.fleet import AHEAD, Finished, Fleet, Joined, Lost, News, Trouble
from engine.cluster.parcels import packed
from engine.cluster.worker import Commission, Outcome, Worker
from engine.errors import DeviceError, DreamError, ImageError, UsageError
from engine.settings.config import DreamConfig
from engine.settings.output import Output
from tests.engine.conftest import QUICK, TINY, copies

T = TypeVar("T")
RESULT = b"a picture's file"


class FakeGrid:
    """Workers that answer when they are told to, in whatever order."""

    def __init__(self, play: Callable[[FakeGrid], list[News]], workers: int = 2) -> None:
        self.play = play
        self.joining = deque(Joined(x, f"cpu on host{x}") for x in range(1, workers + 1))
        self.held: dict[int, list[Job]] = {}
        self.given: Counter[str] = Counter()
        self.most = 0
        self.opened = self.closed = 0

    def __enter__(self) -> None:
        self.opened += 1

    def __exit__(self, *exception: object) -> None:
        self.closed += 1

    def join(self, worker: int) -> Joined:
        self.held[worker] = []
        return Joined(worker, f"cpu on host{worker}")

    def news(self) -> list[News]:
        if self.joining:
            return [self.join(self.joining.popleft().worker)]
        return self.play(self)

    def give(self, worker: int, packed: Job, job: Job) -> None:
        assert not any(x == job for held in self.held.values() for x in held), "given out twice at a time"
        self.held[worker].append(job)
        self.given[job.name] += 1
        self.most = max(self.most, len(self.held[worker]))

    def finish(self, worker: int) -> Finished:
        return Finished(worker, self.held[worker].pop(0), Outcome(seconds=1.0, content=RESULT))

    def lose(self, worker: int, *, machine: bool = False) -> Lost:
        del self.held[worker]
        return Lost(worker, "it was killed", machine)


def all_finish(grid: FakeGrid) -> list[News]:
    return [grid.finish(x) for x, held in grid.held.items() if held]


@pytest.fixture
def four(photo: Path) -> list[Job]:
    sources = [photo, *copies(photo, "b.png", "c.png", "d.png")]
    return [Job(x, x.with_name(f"{x.stem}.dream.png")) for x in sources]


def ran(grid: FakeGrid, jobs: list[Job]) -> list[Event]:
    events = list(Fleet(grid).run(jobs))
    assert grid.opened == grid.closed
    return events


def done(events: list[Event]) -> list[str]:
    return sorted(x.job.name for x in events if isinstance(x, Done))


def test_every_picture_is_done_once_and_written_whole(four) -> None:
    grid = FakeGrid(all_finish)
    events = ran(grid, four)
    assert done(events) == sorted(x.name for x in four)
    assert set(grid.given.values()) == {1}
    assert all(x.target is not None and x.target.read_bytes() == RESULT for x in four)  # type: ignore[union-attr]
    told = [x.message.partition(":")[0] for x in events if isinstance(x, Told)]
    assert told == ["waiting for the first worker", "worker 1", "worker 2"]
    assert grid.most <= AHEAD


def test_without_work_nobody_is_called(photo: Path) -> None:
    grid = FakeGrid(all_finish)
    failed = Failed("x", ImageError("no picture"))
    assert ran(grid, [failed]) == [failed]  # type: ignore[list-item]
    assert grid.opened == 0


def test_pictures_of_a_lost_worker_are_done_by_others(four) -> None:
    lost: list[int] = []

    def play(grid: FakeGrid) -> list[News]:
        if not lost:
            lost.append(1)
            return [grid.lose(1)]
        return all_finish(grid)

    grid = FakeGrid(play)
    events = ran(grid, four)
    assert done(events) == sorted(x.name for x in four)
    assert sum(grid.given.values()) == 4 + AHEAD
    assert any(isinstance(x, Warned) and "cpu on host1: it was killed" in x.message for x in events)


def test_a_picture_that_kills_its_worker_twice_is_a_failure_and_its_neighbour_is_not(four) -> None:
    """Two are held at a time, and nobody knows which one did it: so each then comes alone."""
    numbers = iter(range(10, 100))

    def play(grid: FakeGrid) -> list[News]:
        for worker, held in grid.held.items():
            if any(x.name.endswith("b.png") for x in held):
                return [grid.lose(worker), grid.join(next(numbers))]
        return all_finish(grid)

    grid = FakeGrid(play)
    events = ran(grid, four)
    [failed] = [x for x in events if isinstance(x, Failed)]
    assert failed.name.endswith("b.png")
    assert "2 workers ended while they dreamed on it, the last one: it was killed" in str(failed.error)
    assert len(done(events)) == 3
    assert grid.given[failed.name] == 2


def test_machines_that_go_are_no_pictures_fault_but_not_for_ever(four) -> None:
    numbers = iter(range(10, 100))

    def play(grid: FakeGrid) -> list[News]:
        return [grid.lose(next(iter(grid.held)), machine=True), grid.join(next(numbers))]

    grid = FakeGrid(play, workers=1)
    events = ran(grid, four[:1])
    assert [type(x) for x in events if isinstance(x, Done | Failed)] == [Failed]
    assert grid.given[four[0].name] == 6


def test_one_that_was_killed_twice_with_its_machine_is_done_in_the_end(four) -> None:
    numbers = iter(range(10, 100))
    losses: list[int] = []

    def play(grid: FakeGrid) -> list[News]:
        if len(losses) < 3:
            losses.append(1)
            return [grid.lose(next(iter(grid.held)), machine=True), grid.join(next(numbers))]
        return all_finish(grid)

    assert done(ran(FakeGrid(play, workers=1), four[:1])) == [four[0].name]


def test_what_cannot_be_read_or_written_here_fails_alone(four, tmp_path: Path) -> None:
    missing = Job(tmp_path / "none.png", tmp_path / "none.dream.png")
    homeless = Job(four[0].source, tmp_path / "no folder" / "x.png")
    events = ran(FakeGrid(all_finish), [missing, homeless, *four[1:]])
    assert {x.name for x in events if isinstance(x, Failed)} == {missing.name, homeless.name}
    assert len(done(events)) == 3


def test_a_full_disk_ends_the_order(four, monkeypatch) -> None:
    def refuse(job: Job) -> Job:
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise ImageError(f"{job.output} cannot be written") from error

    monkeypatch.setattr(fleet_module, "packed", refuse)
    failed = [x for x in ran(FakeGrid(all_finish), four) if isinstance(x, Failed)]
    assert [x.name for x in failed] == [four[0].name, ""]
    assert "no room for results: 3 more pictures were left out" in str(failed[1].error)


def test_trouble_is_told_and_the_end_of_all_is_raised(four) -> None:
    def play(grid: FakeGrid) -> list[News]:
        if grid.given:
            raise DeviceError("no machine of the cluster can dream")
        return [Trouble("no worker starts on host3")]

    grid = FakeGrid(play, workers=1)
    heard: list[Event] = []
    with pytest.raises(DeviceError):
        heard.extend(Fleet(grid).run(four))
    assert grid.closed == 1


def test_an_interruption_lets_all_workers_go(four) -> None:
    grid = FakeGrid(lambda grid: [])
    fleet = Fleet(grid)
    events = fleet.run(four)
    assert next(events) == Told("waiting for the first worker")
    assert isinstance(next(events), Told)
    assert fleet.interrupt()
    with pytest.raises(KeyboardInterrupt):
        list(events)
    assert (grid.opened, grid.closed) == (1, 1)
    assert not any(x.target.exists() for x in four)


def test_where_no_worker_is_there_yet_an_interruption_has_nothing_to_wait_for(four) -> None:
    class SlowGrid(FakeGrid):
        def __enter__(self) -> None:
            super().__enter__()
            asked.append(fleet.interrupt())

    asked: list[bool] = []
    fleet = Fleet(SlowGrid(all_finish))
    with pytest.raises(KeyboardInterrupt):
        list(fleet.run(four))
    assert asked == [False]
    assert fleet.interrupt()


def travelled(thing: T) -> T:
    """Return what arrives of a thing on another machine."""
    return pickle.loads(pickle.dumps(thing))  # type: ignore[no-any-return]  # noqa: S301 - it is ours


@pytest.fixture(scope="module")
def commission(tiny) -> Commission:
    order = order_for(tiny, DreamConfig(layers={"mixed0": 1.0, "mixed1": 0.3}, iterations=2))
    return Commission(TINY.read_bytes(), str(TINY), order, Output(), device="cpu")


def test_a_worker_gives_back_the_file_that_this_machine_would_write(commission, tiny, photo: Path) -> None:
    """All that travels is pickled, as between machines."""
    here, there = Job(photo, photo.with_name("here.jpg")), Job(photo, photo.with_name("there.jpg"))
    assert [
        x
        for x in perform(here, tiny, commission.order, Streams(None, None), commission.output)
        if isinstance(x, Done)
    ]
    worker = Worker(travelled(commission))
    assert worker.greet().device == "cpu"
    outcome = travelled(worker.dream(travelled(packed(there))))
    assert outcome.error is None
    assert outcome.content == here.target.read_bytes()  # type: ignore[union-attr]
    assert not there.target.exists()  # type: ignore[union-attr]


def test_a_worker_reports_what_is_no_picture(commission, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(b"no picture")
    outcome = Worker(commission).dream(packed(Job(tmp_path / "x.png", tmp_path / "y.png")))
    error = travelled(outcome).error
    assert isinstance(error, DreamError)
    assert str(error) == f"{tmp_path / 'x.png'} is not a picture in a known format"
    assert error.hint


@pytest.mark.parametrize("address", ["nowhere", "ray://10.0.0.5:10001", "10.0.0.5", "a b:1", "host:port"])
def test_an_address_is_checked_before_anything_is_read(address: str, run, photo: Path) -> None:
    code, _, err = run("dream", photo, "--cluster", address)
    assert code == 2
    assert "is no address of a cluster" in err


def test_a_missing_ray_is_named(run, photo: Path, monkeypatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(ray_session, "import_module", missing)
    code, out, err = run("dream", photo, "-o", photo.with_name("x.png"), *QUICK, "--cluster", "local")
    assert (code, out) == (2, "")
    assert "--cluster needs Ray, which is not installed" in err
    assert 'pip install "deepdream-onnx[cluster]"' in err


@pytest.mark.parametrize(
    "words",
    [
        ["--save-steps", "steps"],
        ["--animate", "film.gif"],
        ["--keep-partial"],
        ["--precision", "half"],
        ["--device", "cuda:1"],
        ["-o", "-"],
    ],
)
def test_what_a_cluster_cannot_do_is_refused(words: list[str], run, photo: Path) -> None:
    code, _, err = run("dream", photo, "--cluster", "local", *words)
    assert code == 2
    assert f"{words[0]}" in err
    assert "does not go with --cluster" in err


def test_an_error_keeps_its_class_on_its_way() -> None:
    error = travelled(UsageError("a", hint="b"))
    assert (type(error), str(error), error.hint) == (UsageError, "a", "b")
