"""Text on standard output and standard error.

Results go to stdout, everything else to stderr.  A reader that has gone away must not stop the work, so
nothing here raises when a stream is closed.
"""

from __future__ import annotations

import contextlib
import os
import sys


def say(text: str) -> None:
    """Print a result to stdout; a path comes out byte for byte."""
    if sys.stdout is None:
        return
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
        sys.stdout.buffer.write(os.fsencode(text + "\n"))
        sys.stdout.buffer.flush()
        return
    # Python flushes stdout once more at exit, and would complain that its reader has gone.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str, end: str = "\n") -> None:
    """Print anything that is not a result to stderr."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text + end)
            sys.stderr.flush()
