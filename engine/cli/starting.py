"""Signals while the program is still being loaded; `stopping` takes over from here.

This module imports next to nothing, so that it can come first of all.
"""

from __future__ import annotations

import os
import signal

SIGNALS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
)
"""Those that end a program and that this system has; SIGBREAK is Windows' Ctrl-Break."""


def wanted() -> list[signal.Signals]:
    """Return the signals that our parent process does not have us ignore."""
    return [x for x in SIGNALS if signal.getsignal(x) is not signal.SIG_IGN]


def catch() -> None:
    """From now on, end the process at a signal: nothing has been begun that could be left half done."""
    for which in wanted():
        signal.signal(which, _end)


def _end(*_: object) -> None:
    try:  # noqa: SIM105 - contextlib takes its time
        os.write(2, b"deepdream: cancelled\n")
    except OSError:  # closed, or nobody reads
        pass
    os._exit(130)
