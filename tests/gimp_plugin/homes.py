"""Homes with GIMP profiles and an engine that answers, for the tests of the installer."""

from __future__ import annotations

import os

import pytest

posix = pytest.mark.skipif(os.name != "posix", reason="links and modes as on Unix")

WORKING = """\
import sys
print("deepdream 1.2.3" if "--version" in sys.argv else "{}")
"""


def make(folder, *parts):
    path = folder.joinpath(*parts)
    path.mkdir(parents=True)
    return path


def texts(findings, *, certain=True):
    return [finding.text for finding in findings if finding.certain or not certain]
