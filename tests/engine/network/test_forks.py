"""A process that forks after a dream, or during one: the child dreams too, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from engine import forks
from engine.errors import DeviceError
from engine.network.model import load_model
from tests.engine.conftest import TINY

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks on Windows")

SETTING = """
import hashlib, os, sys, threading, time, warnings
import numpy as np
import engine

warnings.simplefilter("ignore")  # Python 3.12 and newer warn of any fork
MODEL, THREADS, LAYERS = {model!r}, {threads}, {layers!r}
FORKS = 8 if MODEL else 4  # of a dream that others dream beside: the embedded model takes its time

def load():
    return engine.load_model(MODEL, device="cpu", threads=THREADS)

def dreamed(model=None, **more):
    picture = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)
    given = {{"model": model}} if model else {{"model": MODEL, "device": "cpu", "threads": THREADS}}
    made = engine.dream(picture, layers=LAYERS, octaves=1, iterations=2, **given, **more)
    return hashlib.sha256(made.pixels.tobytes()).hexdigest()

def child(work, leave=os._exit):
    number = os.fork()
    if number == 0:
        work()
        leave(0)
    _, status = os.waitpid(number, 0)
    assert status == 0, status

def same(*more):
    assert dreamed(*more) == expected
"""

CASES = {
    "after a dream": """
        model = load()
        expected = dreamed(model)
        for leave in (os._exit, sys.exit):
            child(lambda: same(model), leave)
        same(model)
    """,
    "the child ends without a dream": """
        model = load()
        expected = dreamed(model)
        model.energies(np.zeros((40, 50, 3), np.float32) if MODEL else np.zeros((80, 80, 3), np.float32))
        child(lambda: None, sys.exit)
        child(model.close, sys.exit)
        same(model)
    """,
    "without a model of its own": """
        expected = dreamed()
        child(same, sys.exit)
        same()
    """,
    "the whole model": """
        model = load()
        image, weights = np.zeros((80, 80, 3), np.float32), np.ones(model.metadata.channels, np.float32)
        expected = model(image, weights)[1]
        child(lambda: np.testing.assert_array_equal(model(image, weights)[1], expected), sys.exit)
    """,
    "in the middle of a dream, which the child goes on with": """
        model = load()
        expected = dreamed(model)
        def fork(step):
            global forked
            if step.iteration == 1 and not os.fork():
                forked = True
        forked = False
        same_here = dreamed(model, progress=fork) == expected
        if forked:
            os._exit(0 if same_here else 1)
        assert same_here
        assert os.wait()[1] == 0
    """,
    "a child of a child": """
        model = load()
        expected = dreamed(model)
        def first():
            same(model)
            child(lambda: same(model), sys.exit)
            same(model)
        child(first, sys.exit)
    """,
    "while other threads dream": """
        model, stop = load(), threading.Event()
        expected = dreamed(model)
        def go_on(own):
            while not stop.is_set():
                same(own)
        others = [threading.Thread(target=go_on, args=(x,)) for x in (model, model, None)]
        for x in others:
            x.start()
        try:
            for number in range(FORKS):
                time.sleep(0.007 * number)
                child((lambda: same(model)) if number % 2 else same)
        finally:
            stop.set()
            for x in others:
                x.join()
    """,
    "while another thread reads a picture": """
        from engine.files.quiet import recording
        begun = threading.Event()
        def read():
            with recording():
                begun.set()
                time.sleep(0.3)
        other = threading.Thread(target=read)
        other.start()
        begun.wait()
        def work():
            with recording() as said:
                warnings.warn("heard")
            assert said == ["heard"]
        child(work)
        other.join()
    """,
    "multiprocessing": """
        import multiprocessing
        model = load()
        expected = dreamed(model)
        with multiprocessing.get_context("fork").Pool(2) as pool:
            pool.apply(same, (), {})
            results = [pool.apply_async(dreamed) for _ in range(4)]
            assert [x.get(50) for x in results] == [expected] * 4
            pool.close()
            pool.join()
    """,
}


def run(case: str, model: object, threads: int, layers: str, timeout: int) -> None:
    script = SETTING.format(model=model and str(model), threads=threads, layers=layers) + textwrap.dedent(
        CASES[case]
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as parent:
        try:
            _, said = parent.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(parent.pid, signal.SIGKILL)  # with all its children
            raise
    assert (parent.returncode, said) == (0, "")


def test_the_child_dreams_after_the_parent_did() -> None:
    run("after a dream", TINY, 1, "mixed1=1", 120)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("case", CASES)
def test_the_child_dreams_too(case: str, threads: int) -> None:
    run(case, TINY, threads, "mixed1=1", 120)


@pytest.mark.slow
@pytest.mark.parametrize("case", ["after a dream", "while other threads dream"])
def test_with_the_embedded_model(case: str) -> None:
    run(case, None, 2, "mixed3=1", 300)


def test_a_gpu_says_what_to_do(runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """CUDA does not work on in a forked process, whatever is done."""
    runtime()
    model = load_model(TINY, device="cuda", threads=1)
    resident = model.resident
    tensor = resident.send(model.channel_weights({"mixed0": 1.0}))
    monkeypatch.setattr(forks, "_gate", forks._gate)
    monkeypatch.setattr(forks, "_process", forks._process)
    forks._in_child()
    for work in (
        lambda: model.resident,
        lambda: model.resident_step,
        lambda: model.energies(np.zeros((20, 20, 3), np.float32)),
        lambda: resident.fetch(tensor),
        lambda: resident.run([], [], {}),
        lambda: resident.send(None),
    ):
        with pytest.raises(DeviceError, match="cuda:0 was opened before this process was forked") as caught:
            work()
        assert '"spawn"' in caught.value.hint
