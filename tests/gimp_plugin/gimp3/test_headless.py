"""The plug-in in real GIMP without a screen; its checks are in headless_*.py."""

from __future__ import annotations

import pytest

from . import harness

pytestmark = [pytest.mark.gimp, pytest.mark.slow]


@pytest.mark.parametrize("check", harness.names(harness.HEADLESS))
def test_headless(headless_report: dict[str, str], check: str) -> None:
    assert check in headless_report, "GIMP ended before this check"
    assert not headless_report[check], headless_report[check]


def test_nothing_is_left_when_gimp_ends(headless_report: dict[str, str]) -> None:
    assert not headless_report[harness.LEFT]
