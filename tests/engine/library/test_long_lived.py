"""A process that dreams on for days must not grow: memory after many pictures, frames and models.

With DEEPDREAM_LONG=1 there are as many of them as docs/reliability.md tells of.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

LONG = os.environ.get("DEEPDREAM_LONG", "") not in {"", "0"}

BEGIN = """
import random, sys, tempfile
import numpy as np
import engine

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

count = int(sys.argv[1])
rng = np.random.default_rng(0)
"""

PICTURES = """
model = engine.load_model(device="cpu", threads=2)
sizes = random.Random(0)
for number in range(1, count + 1):
    shape = (sizes.randint(80, 160), sizes.randint(80, 160), 3)
    pixels = rng.integers(0, 256, shape, np.uint8)
    engine.dream(pixels, model=model, layers="mixed3=1,mixed4=1", octaves=2, iterations=1, margin=0)
    if number in (count // 3, count):
        print(resident())
"""

FRAMES = """
model = engine.load_model("tests/data/tiny.onnx", device="cpu", threads=1)
pixels = rng.integers(0, 256, (96, 96, 3), np.uint8)
with tempfile.TemporaryDirectory() as folder:
    engine.zoom(
        pixels, folder + "/film.gif", seconds=count / 10, fps=10, size=64, model=model, layers="mixed0",
        progress=lambda x: x.number in (count // 3, count) and print(resident()),
    )
"""

RELOADS = """
pixels = rng.integers(0, 256, (96, 96, 3), np.uint8)
for number in range(1, count + 1):
    with engine.load_model(device="cpu", threads=2) as model:
        engine.dream(pixels, model=model, layers="mixed0", octaves=1, iterations=1)
    if number in (count // 3, count):
        print(resident())
"""

BACK = """
def dreamed(side):
    pixels = rng.integers(0, 256, (side, side, 3), np.uint8)
    engine.dream(pixels, model=model, layers="mixed4=1", octaves=1, iterations=1)
    held = resident()
    model.give_back()
    print(held if side > 100 else resident())

model = engine.load_model(device="cpu", threads=2)
for side in (96, count):
    dreamed(side)
print(resident())
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc, which is Linux"),
]


def printed(script: str, count: int) -> list[int]:
    """Run a script with so many things to do; return what it printed."""
    command = [sys.executable, "-c", BEGIN + script, str(count)]
    # Which of glibc's arenas a new thread takes makes the size after each reload another one, by up to 15 %.
    environment = os.environ | {"MALLOC_ARENA_MAX": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [int(x) for x in done.stdout.split()]


@pytest.mark.parametrize(
    ("script", "count", "many"),
    [(PICTURES, 120, 1000), (FRAMES, 24, 500), (RELOADS, 6, 30)],
    ids=["pictures", "frames", "reloads"],
)
def test_memory_at_the_end_is_that_of_the_first_third(script: str, count: int, many: int) -> None:
    early, late = printed(script, many if LONG else count)
    assert late < 1.1 * early


def test_what_a_large_picture_took_goes_back() -> None:
    small, large, after = printed(BACK, 700)
    assert large > small + 100_000_000
    assert after < small + 0.3 * (large - small)
