# -*- coding: utf-8 -*-
"""What the dialog keeps from one time to the next, in small files in GIMP's profile folder."""

from __future__ import unicode_literals

import io
import json
import os


def read(path, log):
    """Return what a file keeps, a dict; an empty one where there is no file, or none that can be understood.

    log: takes lines for the log file, as a broken file is no reason to stop.
    """
    try:
        with io.open(path, encoding="utf-8") as file:
            found = json.load(file)
        if not isinstance(found, dict):
            raise ValueError("no dict")
        return found
    except (IOError, OSError) as error:
        if os.path.lexists(path):
            log("%s can't be read: %s" % (path, error))
    except (ValueError, RuntimeError) as error:  # the last: nested too deep
        log("%s is broken and was ignored: %s" % (path, error))
    return {}


def write(path, found, log):
    """Keep a dict in a file, which is replaced in one step; where that fails, it stays as it is."""
    part = "%s.%d.part" % (path, os.getpid())
    try:
        with io.open(part, "wb") as file:
            file.write((json.dumps(found) + "\n").encode("ascii"))
        getattr(os, "replace", os.rename)(part, path)
    except (IOError, OSError) as error:
        log("%s can't be written: %s" % (path, error))
        try:
            os.remove(part)
        except (IOError, OSError):
            pass  # it is not there
