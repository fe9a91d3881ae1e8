from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.engine.conftest import TINY, noise

if TYPE_CHECKING:
    from pathlib import Path

LOOK = ["--model", TINY, "--layers", "mixed0,mixed1:1=0.5", "--iterations", 2, "--octaves", 2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, with pictures of which `large.png` is cut into tiles of 128."""
    monkeypatch.chdir(tmp_path)
    noise(30, 40).save("photo.png")
    noise(270, 280).save("large.png")
    noise(33, 44).rotate(180).save("other.png")
    Image.linear_gradient("L").resize((40, 30)).save("mask.png")
    Image.linear_gradient("L").resize((280, 270)).save("large-mask.png")
    noise(40, 40).rotate(90).save("guide.png")
    return tmp_path
