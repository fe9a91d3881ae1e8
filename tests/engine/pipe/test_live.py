"""`deepdream pipe --live`: many small dreams, the newest wins."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from engine import machine
from engine.ascent.order import order_for
from engine.errors import Cancelled, UsageError, WireError
from engine.pipe import lines, live
from engine.settings.config import DreamConfig
from tests.engine.pipe.frames import FRAMES, RGB, dreamed, frame
from tests.engine.pipe.talk import Talk, request, stop
from tests.engine.pipe.test_wire import HOSTILE, with_header

CONFIG = DreamConfig(layers={"mixed0": 1.0}, iterations=2, octaves=1)
ENDLESS = DreamConfig(layers={"mixed0": 1.0}, iterations=10000, max_loss=None)


@pytest.fixture
def talk(tiny) -> Iterator[Talk]:
    """Serve in a thread, with options that are `endless`, a sentence to refuse with, or nothing."""
    inward, outward = os.pipe(), os.pipe()
    failed: list[BaseException] = []

    def prepare(options: tuple[str, ...]) -> tuple:
        if options and options[0] != "endless":
            raise UsageError(options[0], hint="try another")
        config = ENDLESS if options else CONFIG
        return tiny, order_for(tiny, config), ("take care",) if options else ()

    def work() -> None:
        try:
            live.serve(live.Requests(inward[0], lambda: None), live.Answers(outward[1]), prepare)
        except (WireError, Cancelled) as error:
            failed.append(error)
        finally:
            os.close(outward[1])

    thread = threading.Thread(target=work)
    thread.start()
    other = Talk(inward[1], outward[0])
    other.failed = failed
    yield other
    other.hang_up()
    other.close()
    thread.join(60)
    assert not thread.is_alive()


@pytest.mark.parametrize("picture", FRAMES, ids=lambda x: f"{x.dtype}-{x.shape[2]}")
def test_a_dream_is_that_of_the_plain_pipe(talk: Talk, tiny, picture: np.ndarray) -> None:
    talk.say(request(7, picture=picture, show=0))
    events = talk.until("done")
    assert [x["event"] for x in events] == ["step", "step", "done"]
    assert {x["dream"] for x in events} == {7}
    assert events[0]["fraction"] == 0.5
    assert events[0]["frame"].shape == picture.shape
    np.testing.assert_allclose(
        events[-1]["frame"].astype(float), dreamed(picture, tiny, CONFIG).astype(float), atol=1
    )


@pytest.mark.parametrize("picture", FRAMES, ids=lambda x: f"{x.dtype}-{x.shape[2]}")
def test_a_part_is_that_part_of_the_dream(talk: Talk, tiny, picture: np.ndarray) -> None:
    talk.say(request(7, picture=picture, show=0, part=[5, 3, 20, 11]))
    events = talk.until("done")
    assert events[0]["frame"].shape == (11, 20, picture.shape[2])
    wanted = dreamed(picture, tiny, CONFIG)[3:14, 5:25]
    np.testing.assert_allclose(events[-1]["frame"].astype(float), wanted.astype(float), atol=1)


def test_pictures_come_no_more_often_than_asked_for(talk: Talk) -> None:
    talk.say(request(1, show=3600))
    shown = [x["frame"] is not False for x in talk.until("done")]
    assert shown == [True, False, True]
    talk.say(request(2))
    shown = [x["frame"] is not False for x in talk.until("done")]
    assert shown == [False, False, True]


def test_the_newest_wins_and_each_request_ends_once(talk: Talk) -> None:
    talk.say(request(1, "endless"))
    talk.until("step", 1)
    talk.say(request(2, "endless"), request(3, "endless"), request(4))
    events = talk.until("done", 4)
    ends = [(x["event"], x["dream"]) for x in events if x["event"] in ("done", "stopped", "error")]
    assert sorted(ends) == [("done", 4), ("stopped", 1), ("stopped", 2), ("stopped", 3)]
    assert ends[-1] == ("done", 4)


def test_warnings_come_once(talk: Talk) -> None:
    talk.say(request(1, "endless"))
    events = [*talk.until("step", 1), *(talk.next() for _ in range(3))]
    assert [x.get("message") for x in events if x["event"] == "warning"] == ["take care"]


def test_stop_ends_the_dream_at_work_and_no_other(talk: Talk) -> None:
    talk.say(request(1, "endless"))
    talk.until("step", 1)
    talk.say(stop(5), stop(1))
    talk.until("stopped", 1)
    talk.say(stop(1), request(2))
    talk.until("done", 2)


def test_what_is_stopped_can_be_kept(talk: Talk) -> None:
    talk.say(request(1, "endless", picture=FRAMES[-1], show=0))
    talk.until("step", 1)
    talk.say(stop(1, keep=True))
    last = talk.until("done", 1)[-1]
    assert last["finished"] is False
    assert last["frame"].shape == FRAMES[-1].shape
    assert (last["frame"] != FRAMES[-1]).any()
    talk.say(request(2))
    assert talk.until("done", 2)[-1]["finished"] is True


def test_a_newer_request_keeps_nothing_of_the_one_before(talk: Talk) -> None:
    talk.say(request(1, "endless"))
    talk.until("step", 1)
    talk.say(request(2), stop(1, keep=True))
    assert "stopped" in [x["event"] for x in talk.until("done", 2) if x["dream"] == 1]


def test_a_refused_request_leaves_the_engine_alive(talk: Talk) -> None:
    talk.say(request(1, "no such option"))
    (event,) = talk.until("error", 1)
    assert (event["message"], event["hint"]) == ("no such option", "try another")
    talk.say(request(2, picture=frame("<f4", 1, 10, 40)), request(3))
    talk.say(stop(3), request(4, "no"), request(5))
    assert talk.until("done", 5)[-1]["frame"].shape == RGB.shape


@pytest.mark.parametrize(
    "entries",
    [
        {"options": "--x"},
        {"options": [1]},
        {"show": "x"},
        {"show": True},
        {"show": -1},
        {"part": "x"},
        {"part": [0, 0, 5]},
        {"part": [0, 0, 5, 5.5]},
        {"part": [0, 0, True, 5]},
        {"part": [-1, 0, 5, 5]},
        {"part": [0, 0, 0, 5]},
        {"part": [36, 0, 5, 5]},
        {"part": [0, 0, 5, 10**30]},
    ],
)
def test_entries_that_make_no_sense_are_refused_after_their_frame(talk: Talk, entries: dict) -> None:
    talk.say(request(1, **entries), request(2))
    events = talk.until("done", 2)
    assert [x["event"] for x in events if x["dream"] == 1] == ["error"]


def test_a_frame_that_is_not_finite_is_refused_alone(talk: Talk) -> None:
    picture = frame("<f4", 3)
    picture[1, 1] = np.nan
    talk.say(request(1, picture=picture), request(2))
    assert [x["event"] for x in talk.until("done", 2) if x["dream"] == 1] == ["error"]


def test_a_frame_too_large_for_memory_is_passed_over(talk: Talk, monkeypatch) -> None:
    monkeypatch.setattr(machine, "available_memory", lambda: 10**6)
    talk.say(request(1, picture=np.zeros((300, 400, 4), np.uint8)))
    (event,) = talk.until("error", 1)
    assert "memory" in event["message"]
    monkeypatch.undo()
    talk.say(request(2))
    talk.until("done", 2)


def test_memory_that_runs_out_is_told(talk: Talk, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(live, "steps", full)
    talk.say(request(1))
    assert talk.until("error", 1)[0]["message"] == "not enough memory"


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"hello\n",
        b"[1]\n",
        b"{}\n",
        b'{"dream": true}\n',
        b'{"dream": -1}\n',
        b'{"dream": 1.5}\n',
        b'{"dream": 1e400}\n',
        b'{"stop": "1"}\n',
        b'{"stop": 1, "keep": 1}\n',
        b"[" * 60000 + b"\n",
        b"\xff\xfe\n",
        b'{"dream": 1, "options": ["' + b"x" * lines.LONGEST,
        b'{"dream": 1}\nGET / HTTP/1.1\r\n\r\n',
        b'{"dream": 1}\n' + with_header("{'descr': '|u1', 'fortran_order': False, 'shape': (9, 9, 3)}")[:40],
    ],
    ids=range(15),
)
def test_what_cannot_be_understood_ends_it(talk: Talk, line: bytes) -> None:
    talk.say(line)
    talk.hang_up()
    assert talk.rest() == []
    (error,) = talk.failed
    assert isinstance(error, WireError)
    assert str(error).isprintable()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_frames_end_it(talk: Talk, name: str) -> None:
    talk.say(b'{"dream": 1, "options": []}\n' + HOSTILE[name])
    talk.hang_up()
    events = talk.rest()
    assert [type(x) for x in talk.failed] == [WireError] or [x["event"] for x in events] == ["error"]


def test_a_reader_that_has_gone_ends_it(talk: Talk) -> None:
    talk.close()
    talk.say(request(1))
    talk.hang_up()


def test_an_engine_that_waits_gives_its_memory_back_once(monkeypatch) -> None:
    """And one that works does not: it comes between the last answer and the next request."""
    monkeypatch.setattr(live, "REST", 0.0)
    monkeypatch.setattr(live, "TICK", 0.01)
    inward = os.pipe()
    requests, rested = live.Requests(inward[0], lambda: None), threading.Event()
    count: list[int] = []

    def rest() -> None:
        count.append(1)
        rested.set()

    requests.at_rest = rest
    taken: list[object] = []
    thread = threading.Thread(target=lambda: taken.extend(requests))
    thread.start()
    assert rested.wait(60)
    os.write(inward[1], request(1))
    os.close(inward[1])
    thread.join(60)
    assert [x.number for x in taken] == [1]  # type: ignore[attr-defined]
    assert len(count) <= 3  # once before it, and perhaps while it arrived and after it
