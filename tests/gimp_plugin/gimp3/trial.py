"""Tell how long somebody's first dream in GIMP takes: python -m tests.gimp_plugin.gimp3.trial [SUITE].

The seconds are those since the click before.  Needs what the GIMP tests need (DEEPDREAM_TEST_DOWNLOADS=1
too), and an idle machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from . import harness

SUITE = "forky"
CHECK = "check_first_dream_takes_a_few_clicks_and_no_key"


def main() -> None:
    """Run the check, and print what it has measured."""
    if harness.why_not():
        sys.exit(harness.why_not())
    (suite,) = sys.argv[1:] or [SUITE]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        told = harness.with_windows(folder / "shots", keep="")
        problem = harness.report(suite, folder, harness.GUI_CHECKS, told, [CHECK])[CHECK]
        if problem:
            sys.exit(problem)
        found = json.loads((folder / "shots" / "trial.json").read_text(encoding="utf-8"))
    for what, value in found.items():
        print(f"{what:36} {value:6}")


if __name__ == "__main__":
    main()
