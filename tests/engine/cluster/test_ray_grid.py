"""Which workers are asked for, and what is made of what Ray says of them: on a Ray that is none."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine._version import __version__
from engine.ascent.order import Order
from engine.batch.events import Job
from engine.cluster import ray_grid
from engine.cluster.fleet import Finished, Joined, Lost, News, Trouble
from engine.cluster.ray_grid import RayGrid, reason_of
from engine.cluster.worker import Commission, Greeting, Outcome
from engine.errors import DeviceError
from engine.settings.output import Output
from engine.settings.tiling import Tiling

A, B = Job(Path("a.png"), Path("a.dream.png")), Job(Path("b.png"), Path("b.dream.png"))


class LostError(Exception):
    """What this Ray says of a worker that is lost."""


class Ref:
    """A call, with its answer once there is one."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer


class FakeRay:
    """A cluster of machines whose workers answer at once; calls of pictures wait for `finish`."""

    def __init__(self, *machines: dict[str, float]) -> None:
        self.alive = {f"n{i}": x for i, x in enumerate(machines)}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.killed: list[Any] = []
        self.greeting: object = Greeting("cpu", __version__, "host")

    def nodes(self) -> list[dict[str, Any]]:
        return [
            {"NodeID": x, "Alive": True, "Resources": y, "NodeManagerHostname": x, "NodeManagerAddress": ""}
            for x, y in self.alive.items()
        ]

    def remote(self, **_: object) -> Any:
        return lambda _kind: SimpleNamespace(options=self._options)

    def _options(self, scheduling_strategy: str, **needs: Any) -> Any:
        self.asked.append((scheduling_strategy, needs))
        greet = SimpleNamespace(remote=lambda: Ref(self.greeting))
        actor = SimpleNamespace(greet=greet, dream=SimpleNamespace(remote=lambda _job: Ref()))
        return SimpleNamespace(remote=lambda _commission: actor)

    def put(self, thing: object) -> object:
        return thing

    def kill(self, actor: object) -> None:
        self.killed.append(actor)

    def wait(self, calls: list[Ref], *, num_returns: int, timeout: float) -> tuple[list[Ref], list[Ref]]:
        ready = [x for x in calls if x.answer is not None]
        return ready[:num_returns], []

    def get(self, call: Ref) -> object:
        if isinstance(call.answer, Exception):
            raise call.answer
        return call.answer


@pytest.fixture(autouse=True)
def now(monkeypatch) -> SimpleNamespace:
    """A clock that is looked at, and never waited for."""
    clock = SimpleNamespace(time=1000.0)
    monkeypatch.setattr(ray_grid, "time", SimpleNamespace(monotonic=lambda: clock.time, sleep=lambda _: None))
    return clock


def grid_of(ray: FakeRay, at_most: int | None = None, **commission: Any) -> RayGrid:
    session = SimpleNamespace(
        ray=ray, open=lambda: None, close=lambda: None, affinity=lambda node: node, losses=(LostError,)
    )
    order = Order(None, None, Tiling(max_memory=1_000_000_000))  # type: ignore[arg-type]
    grid = RayGrid(session, Commission(b"", "", order, Output(), **commission), at_most)  # type: ignore[arg-type]
    grid.__enter__()
    return grid


def heard_for(grid: RayGrid, clock: SimpleNamespace, seconds: int, found: list[News]) -> None:
    for _ in range(seconds // 10):
        clock.time += 10
        found += grid.news()


def running(grid: RayGrid) -> list[Ref]:
    return list(grid._running)


@pytest.mark.parametrize(
    ("machine", "commission", "workers"),
    [
        ({"CPU": 4.0, "memory": 9e9}, {}, 4),
        ({"CPU": 5.0, "memory": 9e9}, {"threads": 2}, 2),
        ({"CPU": 16.0, "memory": 3.5e9}, {}, 3),
        ({"CPU": 16.0, "memory": 5e8}, {}, 1),
        ({"CPU": 16.0, "GPU": 2.0, "memory": 9e9}, {}, 2),
        ({"CPU": 2.0, "GPU": 2.0, "memory": 9e9}, {"device": "cpu"}, 2),
        ({"CPU": 2.0, "GPU": 3.0, "memory": 9e9}, {"device": "cuda"}, 3),
    ],
)
def test_a_machine_has_a_worker_for_each_gpu_or_as_its_processors_and_memory_allow(
    machine, commission, workers: int
) -> None:
    ray = FakeRay(machine)
    grid = grid_of(ray, **commission)
    assert sum(isinstance(x, Joined) for x in grid.news()) == workers
    assert len(ray.asked) == workers


def test_no_more_workers_than_are_wanted() -> None:
    ray = FakeRay({"CPU": 4.0}, {"CPU": 4.0})
    assert sum(isinstance(x, Joined) for x in grid_of(ray, at_most=5).news()) == 5


def test_a_machine_that_joins_later_gets_workers(now) -> None:
    ray = FakeRay({"CPU": 1.0})
    grid = grid_of(ray)
    assert len(grid.news()) == 1
    ray.alive["later"] = {"CPU": 2.0}
    now.time += 10
    assert [type(x) for x in grid.news()] == [Joined, Joined]


def test_all_calls_of_a_lost_worker_are_one_loss_and_another_takes_its_place(now) -> None:
    ray = FakeRay({"CPU": 1.0})
    grid = grid_of(ray)
    [joined] = grid.news()
    assert isinstance(joined, Joined)
    for job in (A, B):
        grid.give(joined.worker, job, job)
    for call in running(grid):
        call.answer = LostError("The actor died.\n\tpid: 12\nworker was killed")
    assert grid.news() == [Lost(joined.worker, "worker was killed", machine=False)]
    assert (running(grid), len(ray.killed)) == ([], 1)
    now.time += 10
    assert [type(x) for x in grid.news()] == [Joined]


def test_with_its_machine_gone_a_loss_is_the_machines() -> None:
    ray = FakeRay({"CPU": 1.0}, {"CPU": 1.0})
    grid = grid_of(ray)
    first, _ = grid.news()
    assert isinstance(first, Joined)
    grid.give(first.worker, A, A)
    del ray.alive["n0"]
    running(grid)[0].answer = LostError("gone")
    assert grid.news() == [Lost(first.worker, "its machine does not answer", machine=True)]


def test_a_word_about_a_picture_is_passed_on_and_a_bug_is_raised() -> None:
    grid = grid_of(FakeRay({"CPU": 1.0}))
    [joined] = grid.news()
    assert isinstance(joined, Joined)
    grid.give(joined.worker, A, A)
    running(grid)[0].answer = outcome = Outcome(seconds=1.0)
    assert grid.news() == [Finished(joined.worker, A, outcome)]
    grid.give(joined.worker, A, A)
    running(grid)[0].answer = ZeroDivisionError("a bug")
    with pytest.raises(ZeroDivisionError):
        grid.news()


def test_a_worker_that_does_not_answer_is_ended(now) -> None:
    ray = FakeRay({"CPU": 1.0})
    grid = grid_of(ray)
    grid.news()
    ray.greeting = None  # from now on it is silent
    for _ in range(3):
        now.time += 100
        grid.news()
    assert len(ray.killed) >= 1


@pytest.mark.parametrize(
    ("greeting", "why"),
    [
        (LostError("Traceback\nModuleNotFoundError: No module named 'engine'"), "No module named 'engine'"),
        (Greeting("cpu", "0.0.1", "host"), f"version 0.0.1 is installed there, {__version__} here"),
    ],
)
def test_a_machine_whose_workers_do_not_start_is_left_alone(now, greeting, why: str) -> None:
    ray = FakeRay({"CPU": 1.0})
    ray.greeting = greeting
    grid = grid_of(ray)
    found: list[News] = []
    with pytest.raises(DeviceError, match="no machine of the cluster can dream") as refused:
        heard_for(grid, now, 300, found)
    assert why in str(refused.value)
    assert found == [Trouble(f"no worker starts on n0: {why}")]
    assert len(ray.asked) == ray_grid.STARTS


def test_machines_that_are_all_lost_are_waited_for_a_while(now) -> None:
    ray = FakeRay({"CPU": 1.0})
    grid = grid_of(ray)
    [joined] = grid.news()
    assert isinstance(joined, Joined)
    grid.give(joined.worker, A, A)
    lost, ray.alive = ray.alive, {}
    running(grid)[0].answer = LostError("gone")
    found: list[News] = []
    heard_for(grid, now, 60, found)
    assert [type(x) for x in found] == [Lost]
    ray.alive = {"new": lost["n0"]}
    heard_for(grid, now, 60, found)
    assert [type(x) for x in found] == [Lost, Joined]


def test_a_cluster_with_nothing_for_the_device_is_told() -> None:
    with pytest.raises(DeviceError, match="it has nothing for --device cuda"):
        grid_of(FakeRay({"CPU": 4.0}), device="cuda").news()


def test_of_rays_pages_one_line_is_told() -> None:
    text = "The actor died because of an error.\n  File x\nengine.errors.DeviceError: no CUDA here\n"
    assert reason_of(Exception(text)) == "no CUDA here"
    assert reason_of(Exception("")) == "Exception"
