"""Make the README's pictures of the plug-in: python -m tests.gimp_plugin.gimp3.make_pictures [FOLDER].

With a FOLDER, photograph the dialog on screens of all kinds instead, to look at them all: sizes, languages
and colours; CHECK_ONLY=ko-light takes those with that in their names, CHECK_MODE=same the fake engine, which
is quicker.  Needs what the GIMP tests need (DEEPDREAM_TEST_DOWNLOADS=1 too), and an idle machine.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from PIL import Image

from . import harness

SUITE = "forky"
LANGUAGES = {"": {}, "-ko": {"LANG": "ko_KR.UTF-8", "CHECK_ONLY": "dialog"}}
"""What to add to the name of the dialog's picture, and to the environment."""

PICTURES = harness.REPOSITORY / "docs" / "pictures"
TITLE = 20
"""Height of a window's title, in pixels."""


def photograph(script: str, shots: Path, spoken: dict[str, str]) -> dict[str, str]:
    """Run a script in a GIMP root, which puts pictures into `shots`; return its report."""
    told = {
        **{name: os.environ.get(name, "") for name in ("CHECK_ONLY", "CHECK_MODE")},
        **spoken,
        "CHECK_SHOTS": f"/host{shots}",
        "CHECK_PICTURE": str(harness.REPOSITORY / "examples/mountains.jpg"),
    }
    inside = ["python3", str(harness.HERE / script)]
    with tempfile.TemporaryDirectory() as scratch:
        return harness.report(SUITE, Path(scratch), inside, told)


def photograph_dialog(suffix: str) -> None:
    """Write gimp-dialog.png in one of the languages and, in English, gimp-result.jpg."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        place, *_ = photograph("gui_pictures.py", folder, LANGUAGES[suffix])
        x, y, width, height = json.loads(place)
        with Image.open(folder / "dialog.png") as screen:
            dialog = screen.convert("RGB").crop((x, y - TITLE, x + width, y + height))
        dialog.quantize(256, Image.Quantize.MEDIANCUT).save(
            PICTURES / f"gimp-dialog{suffix}.png", optimize=True
        )
        if suffix:
            return
        with Image.open(folder / "result.png") as screen:
            result = screen.convert("RGB").resize(
                (1100, 1100 * screen.height // screen.width), Image.Resampling.LANCZOS
            )
        result.save(PICTURES / "gimp-result.jpg", quality=72, optimize=True)


def main() -> None:
    """Write the README's pictures, or all screens into a folder."""
    if harness.why_not():
        sys.exit(harness.why_not())
    if sys.argv[1:]:
        folder = Path(sys.argv[1]).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        photograph("gui_matrix.py", folder, {})
        return
    for suffix in LANGUAGES:
        photograph_dialog(suffix)


if __name__ == "__main__":
    main()
