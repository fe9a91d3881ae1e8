# -*- coding: utf-8 -*-
"""Paths in the form in which each Python's own functions take them, whatever letters they have."""

from __future__ import unicode_literals

import os
import sys


def native(path):
    """Return a path, which may have any letters, for functions that open files or start programs.

    Python 2 encodes a text as its environment says, which in GIMP may be ASCII; it takes bytes as they are.
    """
    if sys.version_info[0] > 2 or isinstance(path, bytes):
        return path
    return path.encode("mbcs" if os.name == "nt" else "utf-8")
