"""The plug-in in real GIMP on a virtual screen; its checks are in gui_*.py."""

from __future__ import annotations

import pytest

from . import harness

pytestmark = [pytest.mark.gimp, pytest.mark.slow]


@pytest.mark.parametrize("check", harness.names(harness.GUI))
def test_gui(request: pytest.FixtureRequest, suite: str, check: str) -> None:
    if check not in harness.names(harness.gui()):
        pytest.skip(harness.LEFT_OUT)
    report = request.getfixturevalue("gui_report")
    assert check in report, "GIMP ended before this check"
    assert not report[check], report[check]
