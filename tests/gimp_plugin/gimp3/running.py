"""Checks inside GIMP: every function named `check_…` of some modules, in their order.

The environment says where things are: CHECK_MODULES (names of the modules), CHECK_PLUGIN (its folder),
CHECK_PYTHON (an interpreter for the fake engine), CHECK_FAKE (that engine), CHECK_ENGINE (the command of the
real one, JSON), FAKE_ENGINE_WORDS (what the fake one was called with), FAKE_ENGINE_GO (what lets it end),
CHECK_REPORT (where the report goes, a line of JSON for each check), CHECK_NAMES (those to run).
"""

# ruff: noqa: BLE001

import contextlib
import importlib
import json
import os
import re
import time
import traceback
from pathlib import Path


def checks():
    """Yield the name of each check that is wanted, and the check."""
    wanted = os.environ["CHECK_NAMES"].split()
    for module in [importlib.import_module(name) for name in os.environ["CHECK_MODULES"].split()]:
        for name, value in list(vars(module).items()):
            if name in wanted:
                yield name, value


def report(tried):
    """Call `tried` with each check's name and the check, and write down what it raises."""
    with Path(os.environ["CHECK_REPORT"]).open("w", encoding="utf-8") as file:
        for name, check in checks():
            begun, problem = time.monotonic(), ""
            try:
                tried(name, check)
            except Exception:
                problem = traceback.format_exc()
            line = {"name": name, "problem": problem, "seconds": round(time.monotonic() - begun, 2)}
            file.write(json.dumps(line) + "\n")
            file.flush()


def processes(pattern):
    """Return the command lines that match, of what runs in this namespace, by the process id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has just ended
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if re.search(pattern, line):
                found[int(folder.name)] = line
    return found
