"""Choose anew the versions in constraints.txt: python3.11 .ci/refresh_constraints.py.

Asks pip for the newest that fit together on the oldest Python; newer Pythons take the same ones.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
OLDEST = (3, 11)
# The package, what tries the studio and its page, what builds the package, and what installs for the gate.
WANTED = [".[test,docs]", "schemathesis", "playwright", "hatchling", "editables", "uv"]
HEAD = """\
# What .ci/run and the README's test command install, so that they do the same on every day. Made by
# `python3.11 .ci/refresh_constraints.py` on Linux; users' own installations are not held to it.
"""


def main() -> None:
    """Write constraints.txt."""
    if sys.version_info[:2] != OLDEST:
        sys.exit("this needs Python 3.11: a newer one would choose versions which the oldest cannot have")
    own = {"PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT"}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder, "bin", "python")
        report = Path(folder, "report.json")
        pip = [python, "-m", "pip"]
        subprocess.run([*pip, "install", "--quiet", "--upgrade", "pip"], env=environment, check=True)  # noqa: S603 - no shell, our own words
        subprocess.run(  # noqa: S603 - as above
            [*pip, "install", "--quiet", "--dry-run", "--ignore-installed", "--report", report, *WANTED],
            cwd=ROOT,
            env=environment,
            check=True,
        )
        found = [x["metadata"] for x in json.loads(report.read_text("utf-8"))["install"]]
    # Names as PyPI normalises them, so that two files differ where versions do.
    pins = {re.sub(r"[-_.]+", "-", x["name"]).lower(): x["version"] for x in found}
    del pins["deepdream-onnx"]
    lines = [f"{name}=={version}\n" for name, version in sorted(pins.items())]
    (ROOT / "constraints.txt").write_text(HEAD + "".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
