"""What all tests share."""

from __future__ import annotations

import os
import signal
from importlib.util import find_spec

from hypothesis import settings

# Some tests import ONNX Runtime themselves; the engine switches its telemetry off on its own.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

# On a computer with a GPU the tests do what they do elsewhere: Vulkan finds no driver.  Tests of
# WebGPU name one.
os.environ.setdefault("VK_ICD_FILENAMES", os.devnull)

# A shell has what it starts behind & ignore it, and so would every program that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def own_cores(workers: int, number: int) -> None:
    """Give this worker of several its share of the cores: it then computes in as many threads as that are.

    Otherwise each computes in as many threads as there are cores, and they take turns waiting, which ONNX
    Runtime does by spinning: a fifth of all processor time.  Not beside TensorFlow, which computes other last
    digits in one thread.
    """
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[number::workers] or cores)


alone = find_spec("tensorflow") is None
if alone and "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    own_cores(int(os.environ["PYTEST_XDIST_WORKER_COUNT"]), int(os.environ["PYTEST_XDIST_WORKER"][2:]))

# No deadline, for how long an example takes says more about the machine. The gate asks for the same
# examples each time; at a desk they are new ones, and what once failed is tried again.
settings.register_profile("desk", deadline=None)
settings.register_profile("gate", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile(os.environ.get("DEEPDREAM_HYPOTHESIS", "desk"))
