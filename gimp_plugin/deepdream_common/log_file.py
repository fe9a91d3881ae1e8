# -*- coding: utf-8 -*-
"""The log in GIMP's profile folder, which has the engine's own messages if something went wrong."""

from __future__ import unicode_literals

import io
import os
import time

from .native import native

NAME = "deepdream.log"
LIMIT = 200000
"""Number of characters kept; the oldest are dropped."""


def write(folder, lines, clock=time.strftime):
    """Append the lines under the current date; a log that can't be written is not an error."""
    path = os.path.join(native(folder), native(NAME))
    text = "".join(line + "\n" for line in [clock("%Y-%m-%d %H:%M:%S")] + ["  " + line for line in lines])
    try:
        try:
            with io.open(path, encoding="utf-8", errors="replace") as file:
                text = file.read() + text
        except (IOError, OSError):
            pass  # no log yet
        with io.open(path, "w", encoding="utf-8") as file:
            file.write(text[-LIMIT:])
    except (IOError, OSError):
        pass
