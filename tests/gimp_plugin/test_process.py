"""The engine as the plug-in's child process, in both Pythons; the cases are in process_cases.py."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.gimp_plugin import process_cases
from tests.gimp_plugin.conftest import HERE

CASES = sorted(process_cases.CASES)


def run(python, case):
    done = subprocess.run(
        [python, HERE / "process_cases.py", sys.executable, case],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES)
def test_python_3(case):
    run(sys.executable, case)


@pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")
@pytest.mark.parametrize("case", CASES)
def test_python_2(case, python27):
    run(python27, case)
