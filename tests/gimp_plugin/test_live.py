"""The warm engine as the plug-in's child process, in both Pythons; the cases are in live_cases.py."""

from __future__ import annotations

import os
import sys

import pytest

from tests.gimp_plugin import live_cases
from tests.gimp_plugin.conftest import run_case

CASES = sorted(live_cases.CASES)


@pytest.mark.parametrize("case", CASES)
def test_python_3(case):
    run_case(sys.executable, "live_cases.py", case)


@pytest.mark.skipif(os.name != "posix", reason="Python 2.7 is made on Debian only")
@pytest.mark.parametrize("case", CASES)
def test_python_2(case, python27):
    run_case(python27, "live_cases.py", case)
