"""Checks inside GIMP: every function named `check_…` of some modules, in their order.

The environment says where things are: CHECK_MODULES (names of the modules), CHECK_PLUGIN (its folder),
CHECK_PYTHON (an interpreter for the fake engine), CHECK_FAKE (that engine), CHECK_ENGINE (the command of the
real one, JSON), FAKE_ENGINE_WORDS (what the fake one was called with), FAKE_ENGINE_GO (what lets it end),
CHECK_REPORT (where the report goes, a line of JSON for each check), CHECK_ONLY (a part of the names, to run
only some).
"""

# ruff: noqa: BLE001

import importlib
import json
import os
import time
import traceback
from pathlib import Path


def checks():
    """Yield each check's name and the check."""
    for module in os.environ["CHECK_MODULES"].split():
        for name, value in list(vars(importlib.import_module(module)).items()):
            if name.startswith("check_") and os.environ.get("CHECK_ONLY", "") in name:
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
