# -*- coding: utf-8 -*-
"""How large the user has made the dialog, kept in GIMP's profile folder for the next time."""

from __future__ import unicode_literals

import os
from collections import namedtuple

from . import kept

NAME = "deepdream-window.json"

SPLIT = (0.2, 0.8)
"""Bounds of the preview's share of the width."""

WindowSize = namedtuple("WindowSize", "width height split")
"""Of the dialog, in GTK's pixels; split: the preview's share of the width."""

USUAL = WindowSize(1100, 760, 0.5)
"""At first, on a screen that has room for it."""


def recall(folder, log):
    """Return the size that was kept; the usual one where there is none, or none that makes sense.

    log: takes lines for the log file.
    """
    found = kept.read(os.path.join(folder, NAME), log)
    try:
        width, height, split = int(found["width"]), int(found["height"]), float(found["split"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return USUAL
    if min(width, height) < 1 or not SPLIT[0] <= split <= SPLIT[1]:
        return USUAL
    return WindowSize(width, height, split)


def keep(folder, size, log):
    """Keep a size, unless it is kept already."""
    size = size._replace(split=round(min(max(size.split, SPLIT[0]), SPLIT[1]), 3))
    if size != recall(folder, lambda _line: None):
        kept.write(os.path.join(folder, NAME), size._asdict(), log)


def within(size, width, height):
    """Return a size for a screen that has room for no more than that."""
    return size._replace(width=min(size.width, width), height=min(size.height, height))
