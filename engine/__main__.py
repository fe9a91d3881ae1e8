"""`python -m engine`, installed also as `deepdream`."""

from __future__ import annotations

from engine.cli import starting

# ruff: noqa: PLC0415 - signals are to find us prepared as early as can be


def main() -> None:
    """Run the command line, and end the process."""
    starting.catch()
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


if __name__ == "__main__":
    main()
