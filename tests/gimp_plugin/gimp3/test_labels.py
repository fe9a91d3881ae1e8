"""The dialog's mnemonics, as far as GIMP itself does not check them."""

from __future__ import annotations

import re

from gimp_plugin.deepdream_common.parameters import PARAMETERS

from . import harness

OF_GIMP = "ocrhls"
"""OK, Cancel, Reset, Help, Load and Save Settings."""


def test_every_mnemonic_is_there_once() -> None:
    preview = harness.REPOSITORY / "gimp_plugin/gimp3/deepdream/preview.py"
    (button, stop_button) = re.search(
        r'^BUTTON, STOP_BUTTON = "(.*)", "(.*)"$', preview.read_text(encoding="utf-8"), re.MULTILINE
    ).groups()
    labels = [button, *(parameter.label for parameter in PARAMETERS)]
    assert all(label.count("_") == 1 for label in labels)
    letters = list(OF_GIMP) + [label[label.index("_") + 1].lower() for label in labels]
    assert len(set(letters)) == len(letters), sorted(letters)
    assert stop_button[stop_button.index("_") + 1] == button[button.index("_") + 1]
