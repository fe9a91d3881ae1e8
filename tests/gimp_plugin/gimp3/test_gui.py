"""The plug-in in real GIMP on a virtual screen; its checks are in gui_*.py."""

from __future__ import annotations

import pytest

from . import harness

pytestmark = [pytest.mark.gimp, pytest.mark.slow]


@pytest.mark.parametrize("check", harness.names(harness.GUI))
def test_gui(gui_report: dict[str, str], check: str) -> None:
    assert check in gui_report, "GIMP ended before this check"
    assert not gui_report[check], gui_report[check]
