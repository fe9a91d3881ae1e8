# -*- coding: utf-8 -*-
"""What a preview asks the engine for: forms like those of the result, in a small share of the time.

A dream goes up a ladder of octaves.  Its largest forms come from the first one, and a later one refines
them.  So a small copy of the whole picture climbs only the lowest octaves, as many as `WORK` allows.  (Of a
part in full size, the engine itself knows what its forms depend on.)

Sizes are (width, height) in pixels; `full` is that of what the result is dreamed on.
"""

from __future__ import division, unicode_literals

import math

from .region import SMALLEST

WORK = 0.9e6
"""Pixels that a preview may compute, those of all steps together: two seconds on two slow cores."""

MORE_WORK = 4 * WORK
"""The same of a preview that may take its time, since the user looks at the first one already."""

MARGIN = 32
"""Largest margin of a preview: the rest of it costs half of the time and shows at the very edge only."""

FEWEST = 6
"""Steps in each octave below which a dream no longer looks like itself."""

LARGEST_STEP = 3.0
"""How many times larger than the result's a step may be.  Fewer octaves and steps change a picture less: with
steps larger by the square root of how many fewer octaves there are, it is about as much; too large ones make
flecks."""

LEAST_MAX_SIZE, LEAST_MIN_SIZE = 128, 32
"""Smallest values that the engine takes for these."""

MOST_OCTAVES = 20


def whole(values, shown, full, most=WORK):
    """Return the values for a small copy of the whole picture, and how many times larger their forms are.

    values: by argument name; shown: the copy's size; most: of `work`.  The second number is 1 where the copy
    shows forms of the same size, in proportion to the picture, as the result has.
    """
    first = _first_octave(values, full)
    largest = min(tuple(shown) + (_last_octave(values, full),))
    sizes = range(min(LEAST_MAX_SIZE, int(largest)), int(largest) + 1)
    all_steps = values["iterations"]
    few = max(all_steps // 2, min(FEWEST, all_steps))
    # Forms of the right size count most, then all the steps, then as many octaves as there is time for.
    right = [size for size in sizes if size <= max(first, sizes[0])]
    size = _last(right, lambda x: work(_climbing(values, first, x, few), shown) <= most)
    excess = work(_climbing(values, first, size, all_steps), shown) / most
    if excess <= 1:
        size = _last(sizes, lambda x: work(_climbing(values, first, x, all_steps), shown) <= most)
    found = _climbing(values, first, size, max(int(all_steps / max(excess, 1.0)), min(few, all_steps)))
    octaves = len(ladder(values, _last_octave(values, full))) / len(ladder(found, size))
    further = math.sqrt(max(octaves, 1.0)) * all_steps / found["iterations"]
    found["step-size"] = min(values["step-size"] * min(further, LARGEST_STEP), 1.0)
    found["max-size"] = size if size >= LEAST_MAX_SIZE else 0
    return found, max(first / min(first, size), 1.0)


def work(values, size):
    """Return how many pixels the engine computes for a picture of that size, those of all steps together."""
    last = _last_octave(values, size)
    total = 0.0
    for shorter in ladder(values, last):
        sides = [side * shorter / min(size) + 2 * values["margin"] for side in size]
        total += sides[0] * sides[1]
    return total * values["iterations"]


def ladder(values, last):
    """Return the shorter side of each octave, the smallest first, up to `last`, as the engine has them."""
    count, scale = values["octaves"], values["octave-scale"]
    if values["min-size"]:
        ratio = max(last / max(values["min-size"], SMALLEST), 1.0)
        steps = min(int(round(math.log(ratio) / math.log(max(scale, 1.01)))), MOST_OCTAVES - 1)
        count, scale = (steps + 1, ratio ** (1 / steps)) if steps > 0 else (1, scale)
    sides = [last / scale**number for number in reversed(range(count))]
    return [side for side in sides if int(side) >= SMALLEST] or [last]


def _climbing(values, first, last, iterations):
    """Return the values of a dream that goes from one size to another."""
    found = {
        "margin": min(values["margin"], MARGIN),
        "min-size": max(int(round(min(first, last))), LEAST_MIN_SIZE),
        "max-size": last,
        "iterations": iterations,
    }
    return dict(values, **found)


def _last(sizes, fits):
    """Return the last of some ascending sizes that fits; the first one if none does."""
    return max([size for size in sizes if fits(size)] or sizes[:1])


def _last_octave(values, size):
    """Return the shorter side of the last octave."""
    shorter = min(size)
    return min(shorter, max(values["max-size"], LEAST_MAX_SIZE)) if values["max-size"] else shorter


def _first_octave(values, size):
    """Return the shorter side of the first octave."""
    return ladder(values, _last_octave(values, size))[0]
