"""Signals while the program is still being loaded; `stopping` takes over from here.

This module imports nothing that Python does not have at hand, so that it can come first of all: `signal`
would load `enum`, and a signal meanwhile would show Python's traceback.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os

SIGNALS: tuple[int, ...] = tuple(
    getattr(_signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(_signal, name)
)
"""Those that end a program and that this system has; SIGBREAK is Windows' Ctrl-Break."""


def wanted() -> list[int]:
    """Return the signals that our parent process does not have us ignore."""
    return [x for x in SIGNALS if _signal.getsignal(x) != _signal.SIG_IGN]


def catch() -> None:
    """From now on, end the process at a signal: nothing has been begun that could be left half done."""
    for which in wanted():
        _signal.signal(which, _end)


def _end(*_: object) -> None:
    try:  # noqa: SIM105 - contextlib takes its time
        os.write(2, b"deepdream: cancelled\n")
    except OSError:  # closed, or nobody reads
        pass
    os._exit(130)
