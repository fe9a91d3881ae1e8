"""The result that is begun before OK, which gets it, or what it asks for; without GIMP, and no engine."""

from __future__ import annotations

import importlib
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.gimp_plugin.conftest import PLUGIN

TASK = SimpleNamespace(options=["--octaves", "2"], sent=("|u1", 1, 1, 3, b"abc"))
OTHERS = [
    SimpleNamespace(options=["--octaves", "3"], sent=TASK.sent),
    SimpleNamespace(options=TASK.options, sent=("|u1", 1, 1, 3, b"abd")),
]
VALUES = {"octaves": 2}


class Live:
    """A warm engine that does as it is told by the test."""

    def __init__(self) -> None:
        self.about: dict[str, Any] = {"event": "start"}
        self.events: list[dict[str, Any]] = []
        self.calls: list[tuple[Any, ...]] = []
        self.goes_on = True

    def ask(self, options: list[str], frame: tuple[Any, ...], **how: Any) -> int:
        self.calls.append(("ask", options, frame, how))
        return len([x for x in self.calls if x[0] == "ask"])

    def hurry(self, number: int) -> bool:
        self.calls.append(("hurry", number))
        return self.goes_on

    def finish(self) -> None:
        self.calls.append(("finish",))

    def forget(self, number: int | None) -> None:
        self.calls.append(("forget", number))

    def poll(self) -> dict[str, Any] | None:
        return self.events.pop(0) if self.events else None


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(PLUGIN))  # as in GIMP
    return importlib.import_module("gimp_plugin.gimp3.deepdream.ahead")


@pytest.fixture
def live() -> Live:
    return Live()


@pytest.fixture
def ahead(module: ModuleType, live: Live) -> Any:
    found = module.Ahead(live)
    found.ask(VALUES, TASK, soon=True)
    assert live.calls[-1] == ("ask", TASK.options, TASK.sent, {"background": True, "soon": True})
    assert found.asked == VALUES
    return found


def step(number: int, fraction: float) -> dict[str, Any]:
    return {"event": "step", "dream": number, "fraction": fraction}


def test_ok_goes_on_with_what_was_begun(ahead: Any, live: Live) -> None:
    assert not ahead.handle(step(7, 0.1))
    assert ahead.handle(step(1, 0.2))
    dream = ahead.begin(TASK)
    assert live.calls[-1] == ("hurry", 1)
    assert dream.poll() == step(1, 0.2)
    live.events = [
        step(7, 0.3),
        step(1, 0.4),
        {"event": "done", "dream": 1, "pixels": b"xyz", "finished": True},
    ]
    assert dream.poll() == step(1, 0.4)
    assert (dream.poll(), dream.finished) == (None, True)
    assert (dream.result(), dream.stopped) == (b"xyz", False)


def test_what_is_ready_is_there_at_once(ahead: Any, live: Live) -> None:
    live.about = {"model": "other"}
    assert ahead.handle({"event": "done", "dream": 1, "pixels": b"xyz", "finished": True})
    live.about = {"model": "built in"}  # the looks are tried with it
    dream = ahead.begin(TASK)
    assert dream.finished
    assert dream.result() == b"xyz"
    assert dream.about == {"model": "other"}


@pytest.mark.parametrize("task", OTHERS, ids=["other options", "other pixels"])
def test_what_is_not_wanted_is_dropped(ahead: Any, live: Live, task: SimpleNamespace) -> None:
    ahead.handle(step(1, 0.9))
    dream = ahead.begin(task)
    assert ("forget", 1) in live.calls
    assert live.calls[-1] == ("ask", task.options, task.sent, {"show": None})
    assert dream.poll() == {"event": "start"}
    live.events, live.about = [step(1, 0.95), step(2, 0.1)], {"model": "now"}
    assert dream.poll() == step(2, 0.1)
    assert dream.about == {"model": "now"}


def test_what_failed_is_tried_anew(ahead: Any, live: Live, module: ModuleType) -> None:
    ahead.handle({"event": "error", "dream": 1, "message": "no memory", "hint": "make it smaller"})
    dream = ahead.begin(TASK)
    assert live.calls[-1][0] == "ask"
    live.events = [{"event": "error", "dream": 2, "message": "no memory", "hint": "make it smaller"}]
    while not dream.finished:
        dream.poll()
    with pytest.raises(module.child.EngineError, match="no memory"):
        dream.result()


def test_what_begins_anew_shows_no_progress_of_before(ahead: Any, live: Live) -> None:
    ahead.handle(step(1, 0.9))
    live.goes_on = False
    assert ahead.begin(TASK).poll() == {"event": "start"}


@pytest.mark.parametrize("kept", [True, False])
def test_stop_and_keep(ahead: Any, live: Live, module: ModuleType, kept: bool) -> None:
    dream = ahead.begin(TASK)
    dream.stop()
    assert live.calls[-1] == ("finish",)
    done = {"event": "done", "dream": 1, "pixels": b"x", "finished": False}
    live.events = [done if kept else {"event": "stopped", "dream": 1}]
    while not dream.finished:
        dream.poll()
    if kept:
        assert (dream.result(), dream.stopped) == (b"x", True)
    else:
        with pytest.raises(module.child.EngineError, match="without a picture"):
            dream.result()


def test_other_settings_end_it(ahead: Any, live: Live) -> None:
    ahead.skip({"octaves": 3})
    assert live.calls[-1] == ("forget", 1)
    assert ahead.asked == {"octaves": 3}
    assert not ahead.handle(step(1, 0.5))
    assert ahead.begin(TASK).poll() == {"event": "start"}
