"""The dialog's mnemonics, as far as GIMP itself does not check them."""

from __future__ import annotations

import re
import string

from gimp_plugin.deepdream_common import parameters

from . import harness

OF_GIMP = "ocrhls"
"""OK, Cancel, Reset, Help, Load and Save Settings."""


OTHERS = ("MASK", "CHANNELS", "DEVICE", "MODEL")


def constants(module: str, names: str) -> list[str]:
    source = (harness.REPOSITORY / "gimp_plugin/gimp3/deepdream" / module).read_text(encoding="utf-8")
    found = re.search(rf"^{names} = (.*)$", source, re.MULTILINE)
    assert found
    return re.findall(r'"([^"]*)"', found[1])


def letters(labels: list[str]) -> list[str]:
    return [label[label.index("_") + 1].lower() for label in labels if "_" in label]


def test_every_mnemonic_is_there_once_on_its_page() -> None:
    around = [*constants("preview.py", "ORIGINAL, FULL_SIZE"), *constants("pages.py", "LOOK, DETAILS")]
    look = [
        *constants("pages.py", "STRENGTH_LABEL, AMOUNT_LABEL"),
        *constants("controls.py", "FORMS"),
        *constants("looks.py", "HEADING, SURPRISE, BACK"),
        parameters.RESULT.label,
    ]
    copy, *_ = constants("pages.py", "COPY, COPIED, NOTHING")
    settings = [x for x in parameters.SETTINGS if x.name not in ("step-size", "blend")]
    details = [
        x.label for x in (*parameters.LAYERS, *settings, *(getattr(parameters, name) for name in OTHERS))
    ]
    assert all(label.count("_") == 1 for label in [*around, *look, copy])
    details += [copy, *constants("channel_sheet.py", "BUTTON"), *constants("guide.py", "LABEL")]
    for page in (look, details):
        found = [*OF_GIMP, *letters([*around, *page])]
        assert len(set(found)) == len(found), sorted(found)
        without = [label for label in page if "_" not in label]
        assert all(set(label.lower()) & set(string.ascii_lowercase) <= set(found) for label in without)
