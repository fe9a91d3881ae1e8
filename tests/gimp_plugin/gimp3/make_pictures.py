"""Make the README's pictures of the plug-in: python -m tests.gimp_plugin.gimp3.make_pictures.

Half a minute; needs what the GIMP tests need (DEEPDREAM_TEST_DOWNLOADS=1 too), and an idle machine.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from PIL import Image

from . import harness

PICTURES = harness.REPOSITORY / "docs" / "pictures"
TITLE = 20
"""Height of a window's title, in pixels."""


def main() -> None:
    """Write gimp-dialog.png and gimp-result.jpg."""
    if harness.why_not():
        sys.exit(harness.why_not())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        told = {
            "CHECK_SHOTS": str(folder),
            "CHECK_PICTURE": str(harness.REPOSITORY / "examples/mountains.jpg"),
        }
        inside = ["python3", str(harness.HERE / "gui_pictures.py")]
        place, *_ = harness.report("trixie", folder, inside, told)
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
