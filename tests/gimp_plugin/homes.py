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


def python_of(profile):
    """Return the interpreter that the plug-in in a profile asks for: python2 in GIMP 2.10, python3 in 3."""
    main = profile / "plug-ins" / "deepdream" / "deepdream.py"
    return main.read_text("utf-8").splitlines()[0].split()[-1]
