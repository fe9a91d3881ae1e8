"""How the command line reports progress, warnings and errors; one module for each form.

`base` has the interface, and reports warnings and errors only; `lines`, `bar` and `json_lines` report the
rest.  All of it goes to stderr.
"""

from __future__ import annotations

import sys

from engine.cli.reporters.bar import Bar
from engine.cli.reporters.base import Reporter
from engine.cli.reporters.json_lines import JsonLines
from engine.cli.reporters.lines import Lines

__all__ = ["Reporter", "for_progress"]


def for_progress(kind: str, *, verbose: bool = False, debug: bool = False) -> Reporter:
    """Return the reporter that `--progress` asks for: auto, bar, json or none."""
    reporter = _reporter(kind, verbose=verbose)
    reporter.debug = debug
    return reporter


def _reporter(kind: str, *, verbose: bool) -> Reporter:
    if kind == "auto":
        terminal = sys.stderr is not None and sys.stderr.isatty()
        kind = "bar" if terminal and not verbose else "lines"
    match kind:
        case "bar":
            return Bar()
        case "json":
            return JsonLines()
        case "none":
            return Reporter()
        case _:
            return Lines(verbose=verbose)
