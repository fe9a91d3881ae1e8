"""`python -m engine`, installed also as `deepdream`.

At its top this module imports only what Python has at hand: `signal` would load `enum`, and a signal
meanwhile would show Python's traceback.  `engine.cli.stopping` takes over as soon as it is loaded.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # mypy knows only `signal`, which is built on it
import os

# ruff: noqa: PLC0415 - signals are to find us prepared as early as can be


def main() -> None:
    """Run the command line, and end the process."""
    catch()
    from engine.cli import stopping

    stopping.arm()
    import sys
    import traceback
    import warnings

    from engine.cli import console

    if not sys.warnoptions:  # Python's and NumPy's warnings are for programmers; python -W shows them
        warnings.simplefilter("ignore")
    from engine.cli.main import main as run

    try:
        code = run()
    except Exception:  # noqa: BLE001 - a bug: Python would show it like this, but for the names of files in it
        console.note_lines(traceback.format_exc())
        code = 1
    stopping.leave(code)


def catch() -> None:
    """From now on, end the process at a signal: nothing has been begun that could be left half done.

    Those that our parent process has us ignore stay ignored.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):  # the last is Windows', which lacks SIGHUP
        which = getattr(_signal, name, None)
        if which is not None and _signal.getsignal(which) != _signal.SIG_IGN:
            _signal.signal(which, _end)


def _end(*_: object) -> None:
    try:  # noqa: SIM105 - contextlib takes its time
        os.write(2, b"deepdream: cancelled\n")
    except OSError:  # closed, or nobody reads
        pass
    os._exit(130)


if __name__ == "__main__":
    main()
