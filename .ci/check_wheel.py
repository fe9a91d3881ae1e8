"""Check what a wheel carries: check_wheel.py WHEEL (docs/decisions/0014-what-the-wheel-carries.md)."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NEEDED = {
    "engine/models/inception_v3_mixed5.onnx",
    "engine/models/ascent_step.onnx",
    "engine/py.typed",
    "engine/templates/bvlc_googlenet.onnx.gz",
    "engine/templates/inception_v3.onnx.gz",
    "engine/templates/resnet50.onnx.gz",
    "engine/templates/vgg16.onnx.gz",
    "engine/studio/page/index.html",
    "engine/studio/sample/sample.jpg",
    "gimp_plugin/gimp2/deepdream/deepdream.py",
    "gimp_plugin/gimp3/deepdream/deepdream.py",
    "gimp_plugin/gimp3/deepdream/pictures/channels.jpg",
    "gimp_plugin/deepdream_common/help/ko/index.html",
    "gimp_plugin/deepdream_common/locale/ko/LC_MESSAGES/deepdream.mo",
}
IMPORTABLE = {"engine", "export", "gimp_plugin"}
LARGEST = 5.5e6
"""Bytes: the model is 3.6 MB of it, the plug-in's pictures are 0.4 MB, the templates 0.3 MB, the
studio's page 0.2 MB."""


def main() -> None:
    """Exit with a message where something is missing or too much."""
    wheel = Path(sys.argv[1])
    names = zipfile.ZipFile(wheel).namelist()
    if missing := NEEDED - set(names):
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(missing))}")
    top = {name.split("/")[0] for name in names}
    if strange := {x for x in top if not x.endswith(".dist-info")} - IMPORTABLE:
        sys.exit(f"{wheel.name} puts {', '.join(sorted(strange))} on the import path")
    if weights := [name for name in names if name.endswith(".npz")]:
        sys.exit(f"{wheel.name} carries {', '.join(weights)}, which only the export reads")
    if wheel.stat().st_size > LARGEST:
        sys.exit(f"{wheel.name} has {wheel.stat().st_size / 1e6:.1f} MB, more than {LARGEST / 1e6}")


if __name__ == "__main__":
    main()
