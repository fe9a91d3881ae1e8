"""What memory is promised: refused before decoding, and what would do."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.ascent.order import order_for
from engine.ascent.work import admit
from engine.errors import ImageError
from engine.files import images, limits
from engine.files.limits import Announced
from engine.pictures.picture import Picture
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling, parse_bytes
from tests.engine.conftest import noise

CONFIG = DreamConfig(layers={"mixed0": 1.0})
LARGE = Announced((4000, 6000), 12, 3)


def order_of(tiny, limit: int, **changes: object):
    return order_for(tiny, DreamConfig(layers={"mixed0": 1.0}, **changes), Tiling(max_memory=limit))


@pytest.mark.parametrize("changes", [{}, {"max_size": 768}, {"blur": 1.0, "margin": 64}])
@pytest.mark.parametrize("what", [LARGE, Announced((4000, 6000), 34, 12)])
def test_what_is_refused_is_told_what_is_enough(tiny, changes: dict, what: Announced) -> None:
    """And just that is enough."""
    with pytest.raises(ImageError, match="needs") as caught:
        admit(order_of(tiny, 300_000_000, **changes), tiny, what)
    found = re.search(r"--max-memory (\d+MB) is enough", caught.value.hint)
    assert found is not None
    enough = parse_bytes(found[1])
    admit(order_of(tiny, enough, **changes), tiny, what)
    with pytest.raises(ImageError, match="needs"):
        admit(order_of(tiny, enough - 10_000_001, **changes), tiny, what)


def test_small_pictures_are_never_refused(tiny) -> None:
    admit(order_of(tiny, 300_000_000), tiny, Announced((300, 200), 12, 3))


def test_without_a_limit_nothing_is_refused(tiny) -> None:
    admit(order_of(tiny, Tiling.USUAL), tiny, Announced((40000, 60000), 34, 16))


def test_what_is_refused_is_not_decoded(tiny, tmp_path: Path, monkeypatch, run) -> None:
    noise(2000, 3000).save(tmp_path / "large.png", compress_level=1)
    monkeypatch.setattr(images, "decode", lambda *_: pytest.fail("was decoded"))
    tiling = Tiling(max_memory=300_000_000)
    for source in (tmp_path / "large.png", (tmp_path / "large.png").read_bytes()):
        with pytest.raises(ImageError, match="3000x2000 pixels needs"):
            engine.dream(source, preset="keras", model=tiny, layers="mixed0", tiling=tiling)
    words = ["--model", tiny.name, "--preset", "keras", "--layers", "mixed0", "--max-memory", "300MB"]
    code, _, err = run("dream", tmp_path / "large.png", *words)
    assert code == 3
    assert "--max-memory allows 300 MB" in err
    assert "MB is enough" in err


@pytest.mark.parametrize(
    ("name", "pixels", "own"),
    [
        ("a.png", np.uint8, 3),
        ("a.jpg", np.uint8, 3),
        ("a.png", np.uint16, 6),
        ("a.tiff", np.uint16, 6),
        ("a.tiff", np.float32, 12),
    ],
)
def test_a_header_tells_how_deep_a_picture_is(tmp_path: Path, name: str, pixels: type, own: int) -> None:
    images.save(Picture(np.ones((20, 30, 3), pixels)), tmp_path / name)
    found: list[Announced] = []
    images.read(tmp_path / name, found.append)
    assert found == [Announced((20, 30), 12 if own == 3 else max(limits.READING, 4 * own), own)]


def test_opacity_is_counted(tmp_path: Path) -> None:
    noise(20, 30, "RGBA").save(tmp_path / "a.png")
    found: list[Announced] = []
    images.read(tmp_path / "a.png", found.append)
    assert found[0].own == 4
