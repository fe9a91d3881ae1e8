"""The dialog's mnemonics, as far as GIMP itself does not check them."""

from __future__ import annotations

import re

from gimp_plugin.deepdream_common.parameters import CHANNELS, MORE, PARAMETERS

from . import harness

OF_GIMP = "ocrhls"
"""OK, Cancel, Reset, Help, Load and Save Settings."""

WITHOUT = (*MORE, CHANNELS)
"""Behind the expander there are more controls than letters."""


def constants(module: str, names: str) -> list[str]:
    source = (harness.REPOSITORY / "gimp_plugin/gimp3/deepdream" / module).read_text(encoding="utf-8")
    found = re.search(rf"^{names} = (.*)$", source, re.MULTILINE)
    assert found
    return re.findall(r'"([^"]*)"', found[1])


def test_every_mnemonic_is_there_once() -> None:
    button, stop_button = constants("preview.py", "BUTTON, STOP_BUTTON")
    (more,) = constants("dialog.py", "MORE")
    labels = [button, more, *(parameter.label for parameter in PARAMETERS if parameter not in WITHOUT)]
    assert all(label.count("_") == 1 for label in labels)
    assert not any("_" in parameter.label for parameter in WITHOUT)
    letters = list(OF_GIMP) + [label[label.index("_") + 1].lower() for label in labels]
    assert len(set(letters)) == len(letters), sorted(letters)
    assert stop_button[stop_button.index("_") + 1] == button[button.index("_") + 1]
