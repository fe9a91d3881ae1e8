"""Ctrl-C and SIGTERM at any moment, from the program's first lines to after its last step."""

from __future__ import annotations

import signal
from random import Random

from tests.fuzz.case import TINY, Case, photo

LONG = ("--device", "cpu", "--threads", "1", "--octaves", "3", "--progress", "json", "--model", str(TINY))


def make(random: Random) -> Case:
    """Return work that gets a signal: it must end with 130, or with 0 if it was done."""
    number = random.choice((signal.SIGINT, signal.SIGTERM))
    seconds = random.choice((random.uniform(0, 0.5), random.uniform(0, 2.5)))
    if random.random() < 0.7:
        words = ("dream", "photo.png", "-o", "out.png", "--layers", "mixed0", "--iterations", "200", *LONG)
    else:
        words = ("gallery", "photo.png", "-o", "out.png", "--iterations", "60", *LONG)
    what = f"{number.name} after {seconds:.3f} s"
    files = {"photo.png": photo(60, 40)}
    return Case(what, words, frozenset({130}), files, result="out.png", signal=(int(number), seconds))
