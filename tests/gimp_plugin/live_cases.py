# -*- coding: utf-8 -*-
"""What must hold of `deepdream_common.live`, for Python 2.7 and 3: live_cases.py PYTHON3 CASE runs one case."""

from __future__ import print_function, unicode_literals

import io
import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, os.pardir, "gimp_plugin"))

from deepdream_common import child
from deepdream_common.live import Live, started

PYTHON = sys.executable
CASES = {}
FRAME = ("|u1", 60, 64, 3, bytes(bytearray(i % 251 for i in range(60 * 64 * 3))))
INVERTED = bytes(bytearray(255 - value for value in bytearray(FRAME[4])))
LARGE = ("|u1", 3000, 3000, 4, b"\x11" * (3000 * 3000 * 4))


def case(function):
    CASES[function.__name__] = function
    return function


class Run(object):
    """A live engine in one of its modes; all of its processes and threads must be gone at the end."""

    def __init__(self, mode):
        handle, self.record = tempfile.mkstemp()
        os.close(handle)
        os.environ["LIVE_ENGINE_RUNS"] = str(self.record)
        self.live = Live([PYTHON, os.path.join(HERE, "fake_live_engine.py"), mode])
        self.conversations = [self.live._conversation]
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conversations.append(self.live._conversation)
        self.live.close()
        assert not self.live.alive
        assert self.live.poll() is None
        for conversation in self.conversations:
            assert not any(thread.is_alive() for thread in conversation._threads)
            assert conversation._process.returncode is not None
        for number in self.pids():
            try:
                os.kill(number, 0)
            except OSError:
                continue
            raise AssertionError("the engine is still there")
        self.live.close()  # once more does no harm, nor does anything else
        self.live.ask([], FRAME)
        self.live.stop()
        self.live.forget(1)
        assert self.live.poll() is None
        os.remove(self.record)

    def pids(self):
        with io.open(self.record, encoding="utf-8") as file:
            return [int(line) for line in file]

    def until(self, kind, number=None):
        """Poll until there is such an event and return it."""
        end = time.time() + 60
        while time.time() < end:
            event = self.live.poll()
            if event is None:
                time.sleep(0.005)
                continue
            self.events.append(event)
            if event["event"] == kind and number in (None, event.get("dream")):
                return event
        raise AssertionError("it hangs: %s" % [(x["event"], x.get("dream")) for x in self.events])

    def ended(self):
        return [(x["event"], x.get("dream")) for x in self.events if x["event"] in ("done", "error", "ended")]


@case
def good():
    with Run("good") as run:
        number = run.live.ask(["--octaves", "2"], FRAME)
        done = run.until("done", number)
        assert done["pixels"] == INVERTED
        assert [event["event"] for event in run.events] == ["start", "step", "step", "done"]
        assert run.events[1]["pixels"] == FRAME[4]
        assert run.live.alive and run.live.log == []


@case
def floats_and_alpha():
    with Run("good") as run:
        frame = ("<f4", 10, 12, 4, b"\0" * (10 * 12 * 4 * 4))
        assert len(run.until("done", run.live.ask([], frame))["pixels"]) == len(frame[4])


@case
def a_part_has_its_own_size():
    with Run("good") as run:
        pixels = bytes(bytearray(range(10 * 12)) * 3)
        frame = ("|u1", 10, 12, 3, pixels)
        rows = [pixels[(y * 12 + 2) * 3 : (y * 12 + 7) * 3] for y in range(4, 7)]
        wanted = bytes(bytearray(255 - value for value in bytearray(b"".join(rows))))
        for background in (False, True):
            number = run.live.ask([], frame, background=background, part=(2, 4, 5, 3))
            assert run.until("done", number)["pixels"] == wanted
        assert len(run.until("done", run.live.ask([], frame))["pixels"]) == len(pixels)


@case
def the_newest_wins():
    with Run("patient") as run:
        first = run.live.ask([], FRAME)
        run.until("step", first)
        second = run.live.ask([], FRAME)
        third = run.live.ask([], FRAME)
        run.until("step", third)
        assert not [x for x in run.events if x.get("dream") == second]
        at = [x.get("dream") for x in run.events].index(third)
        assert not [x for x in run.events[at:] if x.get("dream") == first]


@case
def requests_faster_than_they_can_be_sent():
    with Run("good") as run:
        for _ in range(20):
            last = run.live.ask([], LARGE)
        assert len(run.until("done", last)["pixels"]) == len(LARGE[4])
        assert run.ended() == [("done", last)]


@case
def background_waits_its_turn_and_all_of_it_comes():
    with Run("good") as run:
        numbers = [run.live.ask([], FRAME, background=True) for _ in range(3)]
        front = run.live.ask([], FRAME)
        run.until("done", numbers[-1])
        ended = run.ended()
        ended.remove(("done", front))  # the first, unless one of the others was done before it was asked for
        assert ended == [("done", number) for number in numbers]
        assert run.ended().index(("done", front)) < 2
        assert not [x for x in run.events if x.get("dream") in numbers and x["event"] == "step" and "x" in x]


@case
def some_of_the_background_goes_before_the_rest():
    with Run("good") as run:
        front = run.live.ask([], FRAME)
        numbers = [run.live.ask([], FRAME, background=True, soon=soon) for soon in (False, True, False)]
        run.until("done", numbers[-1])
        assert run.ended() == [("done", number) for number in (front, numbers[1], numbers[0], numbers[2])]


@case
def background_that_is_hurried_goes_on():
    with Run("patient") as run:
        behind = run.live.ask([], FRAME, background=True)
        run.until("step", behind)
        assert run.live.hurry(behind)
        run.until("step", behind)
        steps = [x["iteration"] for x in run.events if x["event"] == "step"]
        assert steps == sorted(set(steps)), steps  # not from the beginning
        run.live.finish()
        assert not run.until("done", behind)["finished"]
        run.live.hurry(behind)  # it has ended


@case
def background_that_waits_is_hurried():
    with Run("patient") as run:
        first, second = (run.live.ask([], FRAME, background=True) for _ in range(2))
        run.until("step", first)
        assert not run.live.hurry(second)
        run.until("step", second)
        run.live.stop()
        run.until("step", first)
        assert run.ended() == []


@case
def what_is_finished_early_has_the_picture_so_far():
    with Run("patient") as run:
        front = run.live.ask([], FRAME)
        run.until("step", front)
        run.live.finish()
        assert run.until("done", front)["pixels"] == INVERTED
        run.live.finish()
        run.until("step", run.live.ask([], FRAME))


@case
def background_is_interrupted_and_repeated():
    with Run("patient") as run:
        behind = run.live.ask([], FRAME, background=True)
        run.until("step", behind)
        front = run.live.ask([], FRAME)
        run.until("step", front)
        run.live.stop()
        run.until("step", behind)
        assert run.ended() == []


@case
def what_is_stopped_is_forgotten():
    with Run("patient") as run:
        number = run.live.ask([], FRAME)
        run.until("step", number)
        run.live.stop()
        run.live.stop()
        behind = run.live.ask([], FRAME, background=True)
        del run.events[:]
        run.until("step", behind)
        assert not [x for x in run.events if x.get("dream") == number]
        run.live.forget(behind)
        run.live.forget(behind)
        run.live.forget(12345)
        run.until("step", run.live.ask([], FRAME))


@case
def close_at_once():
    with Run("good"):
        pass


@case
def close_after_asking():
    with Run("good") as run:
        run.live.ask([], LARGE)


@case
def close_at_work():
    with Run("patient") as run:
        run.until("step", run.live.ask([], FRAME))


@case
def close_a_deaf_one():
    child.STOP_SECONDS = 0.3
    with Run("deaf") as run:
        run.until("start")
        run.live.ask([], LARGE)


@case
def close_one_that_ignores_sigterm():
    child.STOP_SECONDS = 0.3
    with Run("ignores-sigterm") as run:
        run.until("start")
        run.live.ask([], LARGE)


def dies(mode, words):
    with Run(mode) as run:
        front = run.live.ask([], FRAME)
        behind = run.live.ask([], FRAME, background=True)
        ended = run.until("ended")
        assert words in ended["message"], ended
        assert run.ended() == [("error", front), ("error", behind), ("ended", None)]
        assert run.events[-2]["message"] == ended["message"]
        assert not run.live.alive and run.live.poll() is None


for mode, words in {
    "crash": "perhaps because the memory ran out",
    "crash-at-start": "no module named engine",
    "refuses": "there is no CUDA device",
    "other-protocol": "different versions",
    "garbage": "not an event",
    "half-a-picture": "middle of a picture",
    "wrong-size": "another size or kind",
    "picture-of-nothing": "another size or kind",
    "no-numbers": "another size or kind",
    "endless-line": "not an event",
}.items():
    CASES["dies_by_" + mode.replace("-", "_")] = lambda mode=mode, words=words: dies(mode, words)


@case
def the_next_request_starts_another():
    with Run("patient") as run:
        run.until("step", run.live.ask([], FRAME))
        os.kill(run.pids()[0], signal.SIGKILL)
        run.until("ended")
        behind = run.live.ask([], FRAME, background=True)
        run.until("error", behind)
        run.until("step", run.live.ask([], FRAME))
        assert len(run.pids()) == 2 and run.live.alive


@case
def missing():
    try:
        Live(["/nonexistent/python"])
    except child.EngineError as error:
        assert "deepdream-gimp install" in error.hint
    else:
        raise AssertionError("it starts")
    engine, problem = started(["/nonexistent/python"])
    assert engine is None and "can't be started" in problem and "deepdream-gimp install" in problem


if __name__ == "__main__":
    PYTHON = sys.argv[1]
    for name in sys.argv[2:]:
        CASES[name]()
        print("ok", name)
