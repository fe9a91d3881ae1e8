"""The plug-in in real GIMP without a screen; the checks themselves are in headless_checks.py."""

from __future__ import annotations

import pytest

from . import harness

pytestmark = [pytest.mark.gimp, pytest.mark.slow]


@pytest.mark.parametrize("check", harness.names(harness.HERE / "headless_checks.py"))
def test_headless(headless_report: dict[str, str], check: str) -> None:
    assert check in headless_report, "GIMP ended before this check"
    assert not headless_report[check], headless_report[check]
