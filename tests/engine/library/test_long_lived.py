"""A process that dreams on for days must not grow: memory after many pictures of mixed sizes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import random
import numpy as np
import engine

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

model = engine.load_model(device="cpu", threads=2)
sizes, rng = random.Random(0), np.random.default_rng(0)
for number in range(1, 81):
    shape = (sizes.randint(80, 220), sizes.randint(80, 220), 3)
    pixels = rng.integers(0, 256, shape, np.uint8)
    engine.dream(pixels, model=model, layers="mixed3=1,mixed4=1", octaves=2, iterations=1)
    if number in (20, 80):
        print(resident())
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which is Linux")
def test_memory_after_80_pictures_is_that_after_20() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    early, late = map(int, done.stdout.split())
    assert late < 1.1 * early
