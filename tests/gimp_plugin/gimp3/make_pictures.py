"""Make the README's pictures of the plug-in: python -m tests.gimp_plugin.gimp3.make_pictures [FOLDER].

With a FOLDER, photograph the dialog on screens of all kinds instead, to look at them all: sizes, languages
and colours; CHECK_ONLY=ko-light takes those with that in their names.  Half a minute for each; needs what the
GIMP tests need (DEEPDREAM_TEST_DOWNLOADS=1 too), and an idle machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from . import harness

SUITE = "forky"
PICTURES = harness.REPOSITORY / "docs" / "pictures"
TITLE = 20
"""Height of a window's title, in pixels."""


def photograph(script: str, scratch: str, shots: Path) -> dict[str, str]:
    """Run a script in a GIMP root, which puts pictures into `shots`; return its report."""
    told = {
        "CHECK_SHOTS": f"/host{shots}",
        "CHECK_PICTURE": str(harness.REPOSITORY / "examples/mountains.jpg"),
    }
    inside = ["python3", str(harness.HERE / script)]
    return harness.report(SUITE, Path(scratch), inside, told)


def main() -> None:
    """Write gimp-dialog.png and gimp-result.jpg, or all screens into a folder."""
    if harness.why_not():
        sys.exit(harness.why_not())
    with tempfile.TemporaryDirectory() as scratch:
        if sys.argv[1:]:
            folder = Path(sys.argv[1]).resolve()
            folder.mkdir(parents=True, exist_ok=True)
            photograph("gui_matrix.py", scratch, folder)
            return
        folder = Path(scratch)
        place, *_ = photograph("gui_pictures.py", scratch, folder)
        x, y, width, height = json.loads(place)
        with Image.open(folder / "dialog.png") as screen:
            dialog = screen.convert("RGB").crop((x, y - TITLE, x + width, y + height))
        dialog.quantize(256, Image.Quantize.MEDIANCUT).save(PICTURES / "gimp-dialog.png", optimize=True)
        with Image.open(folder / "result.png") as screen:
            result = screen.convert("RGB").resize(
                (1100, 1100 * screen.height // screen.width), Image.Resampling.LANCZOS
            )
        result.save(PICTURES / "gimp-result.jpg", quality=72, optimize=True)


if __name__ == "__main__":
    main()
