# -*- coding: utf-8 -*-
"""What must hold of `deepdream_common.process`, for Python 2.7 and 3: process_cases.py PYTHON3 CASE runs one case.

Each case plays one way in which an engine behaves or misbehaves.
"""

from __future__ import print_function, unicode_literals

import io
import json
import os
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, os.pardir, os.pardir, "gimp_plugin"))

from deepdream_common import child
from deepdream_common.process import Engine, EngineError

PYTHON = sys.executable
CASES = {}


def case(function):
    CASES[function.__name__] = function
    return function


class Run(object):
    """An engine in one of its modes, which must be gone at the end."""

    def __init__(self, mode, height=60, width=64, channels=3, kind="|u1", options=()):
        handle, self.record = tempfile.mkstemp()
        os.close(handle)
        os.environ["FAKE_ENGINE_RECORD"] = str(self.record)
        self.pixels = bytes(bytearray(i % 251 for i in range(997))) * (
            height * width * channels * 4 // 997 + 1
        )
        self.pixels = self.pixels[: height * width * channels * (4 if kind == "<f4" else 1)]
        command = [PYTHON, os.path.join(HERE, "fake_engine.py"), mode]
        self.begun = time.time()
        self.engine = Engine(command, options, kind, height, width, channels, self.pixels)
        self.events = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.engine.close()
        self.closed = time.time()
        assert self.engine._process.returncode is not None
        assert not any(thread.is_alive() for thread in self.engine._threads)
        try:
            os.kill(self.engine._process.pid, 0)
        except OSError:
            pass
        else:
            raise AssertionError("the engine is still there")
        self.engine.close()  # once more does no harm
        os.remove(self.record)

    def wait(self, seconds=100.0, until=None):
        end = time.time() + seconds
        while not self.engine.finished:
            assert time.time() < end, "it hangs"
            event = self.engine.poll(0.05)
            if event is not None:
                self.events.append(event)
                if event["event"] == until:
                    return

    def result(self):
        self.wait()
        return self.engine.result()

    def inverted(self):
        return bytes(bytearray(255 - value for value in bytearray(self.pixels)))

    def facts(self):
        with io.open(self.record, encoding="utf-8") as file:
            return json.load(file)

    def fails(self):
        try:
            self.result()
        except EngineError as error:
            assert error.message
            assert str(error)
            return error
        raise AssertionError("it has a result")


@case
def good():
    with Run("good", options=["--octaves", "2"]) as run:
        assert run.result() == run.inverted()
        assert [event["event"] for event in run.events] == ["start"] + ["step"] * 4 + ["done"]
        words = run.facts()["words"]
        assert words[0] == "pipe" and "--abort-on-eof" in words and words[-2:] == ["--octaves", "2"], words


@case
def good_floats():
    with Run("good", kind="<f4", channels=1) as run:
        assert run.result() == run.inverted()


@case
def environment_of_gimp_is_hidden():
    before = dict(os.environ)
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "GI_TYPELIB_PATH"):
        os.environ[str(name)] = str("/nowhere")
    try:
        with Run("good") as run:
            run.result()
            assert "/nowhere" not in run.facts()["environment"].values()
    finally:
        os.environ.clear()
        os.environ.update(before)


@case
def unknown_events_and_warnings():
    with Run("warns") as run:
        assert run.result() == run.inverted()
        kinds = [event["event"] for event in run.events]
        assert "news-of-a-later-version" in kinds
        assert "—" in run.events[kinds.index("warning")]["message"]


@case
def big_frames_do_not_deadlock():
    with Run("good", height=2600, width=2600) as run:
        assert run.result() == run.inverted()


@case
def close_while_it_works():
    with Run("slow") as run:
        run.wait(until="step")
        begun = time.time()
    assert run.closed - begun < 2.0  # the end of stdin is enough


@case
def stop_keeps_the_partial():
    with Run("slow") as run:
        run.wait(until="step")
        run.engine.stop()
        assert run.result() == run.inverted()
        assert time.time() - run.begun < 10.0


@case
def stop_before_there_is_anything():
    with Run("silent") as run:
        run.wait(until="start")
        run.engine.stop()
        child.STOP_SECONDS = 0.3


@case
def silent():
    child.STOP_SECONDS = 0.3
    with Run("silent") as run:
        run.wait(until="start")
        assert run.engine.poll(0.1) is None and not run.engine.finished


@case
def ignores_sigterm():
    child.STOP_SECONDS = 0.3
    with Run("ignores-sigterm") as run:
        run.wait(until="start")


@case
def never_reads_stdin():
    child.STOP_SECONDS = 0.3
    with Run("deaf", height=2600, width=2600) as run:
        assert run.engine.poll(0.3) is None and not run.engine.finished


@case
def crash_at_start():
    with Run("crash-at-start", height=2600, width=2600) as run:
        error = run.fails()
        assert "status 1" in error.message and "deepdream.log" in error.hint
        assert "no module named engine" in error.message and "deepdream-gimp install" in error.hint
        assert "Traceback (most recent call last):" in run.engine.log


@case
def crash_while_broken_pipes_kill():
    if os.name == "posix":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    crash_at_start()


@case
def crash_in_the_middle():
    with Run("crash-in-the-middle") as run:
        error = run.fails()
        assert "signal 9" in error.message and "perhaps because the memory ran out" in error.message
        assert "smaller part" in error.hint


@case
def killed_behind_a_shell():
    with Run("status-137") as run:
        assert "perhaps because the memory ran out" in run.fails().message


@case
def bug_of_the_engine():
    with Run("status-1") as run:
        error = run.fails()
        assert error.message == "The DeepDream engine failed (status 1)." and "deepdream.log" in error.hint


@case
def removed_from_its_python():
    engine = Engine([PYTHON, "-m", "no_engine_any_more"], [], "|u1", 60, 60, 3, b"\0" * 10800)
    try:
        while not engine.finished:
            engine.poll(0.05)
        engine.result()
    except EngineError as error:
        assert "No module named no_engine_any_more" in error.message, error.message
        assert "Install the engine again" in error.hint
    else:
        raise AssertionError("it has a result")
    finally:
        engine.close()


@case
def dies_mid_frame():
    with Run("dies-mid-frame") as run:
        assert "middle of a picture" in run.fails().message


@case
def floods_stderr():
    with Run("floods-stderr") as run:
        assert run.result() == run.inverted()
        assert sum(map(len, run.engine.log)) < 1000000
        assert len(run.engine.log) <= child.ERROR_LINES


@case
def garbage_on_stdout():
    with Run("garbage-on-stdout") as run:
        assert "not a picture" in run.fails().message


@case
def garbage_on_stderr():
    with Run("garbage-on-stderr") as run:
        assert run.result() == run.inverted()
        assert any("not UTF-8" in line for line in run.engine.log)


@case
def wrong_size():
    with Run("wrong-size") as run:
        assert "another size" in run.fails().message


@case
def no_picture():
    with Run("no-picture") as run:
        assert "without a picture" in run.fails().message


@case
def its_own_reason():
    with Run("refuses") as run:
        error = run.fails()
        assert error.message == "there is no CUDA device" and error.hint == "--device cpu works everywhere"


@case
def an_error_counts_more_than_a_picture():
    with Run("error-after-picture") as run:
        assert run.fails().message == "out of memory"


@case
def other_protocol():
    with Run("other-protocol") as run:
        assert "different versions" in run.fails().message
        assert time.time() - run.begun < 10.0


@case
def missing():
    try:
        Engine(["/nonexistent/python"], [], "|u1", 60, 60, 3, b"\0" * 10800)
    except EngineError as error:
        assert "deepdream-gimp install" in error.hint and str(error)
    else:
        raise AssertionError("it starts")


if __name__ == "__main__":
    PYTHON = sys.argv[1]
    for name in sys.argv[2:]:
        CASES[name]()
        print("ok", name)
