"""A dream goes to a path, or to an open file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

import engine
from engine.errors import ImageError, UsageError
from tests.engine.conftest import noise
from tests.engine.library.test_sources import LIGHT, Named

if TYPE_CHECKING:
    from engine.library.dream import Dream


class Slow(io.RawIOBase):
    """A file without a buffer, which takes a few bytes at a time."""

    def __init__(self, limit: int = 10**9) -> None:
        self.taken, self.limit = b"", limit

    def writable(self) -> bool:
        return True

    def write(self, part) -> int:
        some = bytes(part[: min(100, self.limit - len(self.taken))])
        self.taken += some
        return len(some)


@pytest.fixture(scope="module")
def dream(tiny) -> Dream:
    return engine.dream(noise(30, 40), model=tiny, **LIGHT)


@pytest.mark.parametrize(
    ("name", "form"),
    [("png", "PNG"), (".jpg", "JPEG"), ("JPEG", "JPEG"), ("Tif", "TIFF"), (".WEBP", "WEBP")],
)
def test_into_an_open_file(dream: Dream, tmp_path: Path, name: str, form: str) -> None:
    stream = io.BytesIO(b"before")
    stream.seek(6)
    assert dream.save(stream, format=name) is None
    assert not stream.closed
    assert stream.tell() == len(stream.getvalue())
    written = io.BytesIO(stream.getvalue()[6:])
    assert Image.open(written).format == form
    path = dream.save(tmp_path / "same", format=name)
    assert path.read_bytes() == written.getvalue()
    other = dream.save(tmp_path / "other.dat", format=name)
    assert other.read_bytes() == written.getvalue()


def test_what_an_open_files_format_cannot_hold_is_told(dream: Dream) -> None:
    with pytest.warns(engine.DreamWarning, match="BMP cannot hold the recipe"):
        dream.save(io.BytesIO(), format="bmp")


def test_an_open_file_with_a_name_says_its_format(dream: Dream, tmp_path: Path) -> None:
    with (tmp_path / "x.jpg").open("wb") as file:
        dream.save(file)
    assert (tmp_path / "x.jpg").read_bytes().startswith(b"\xff\xd8")
    assert engine.read_recipe(tmp_path / "x.jpg").config == dream.config


def test_a_file_that_takes_little_at_a_time_gets_all(dream: Dream) -> None:
    slow = Slow()
    dream.save(slow, format="png")
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(slow.taken))), dream.pixels)
    with pytest.raises(ImageError, match="cannot be written"):
        dream.save(Slow(limit=500), format="png")


def test_to_a_path_of_any_class(dream: Dream, tmp_path: Path) -> None:
    assert dream.save(Named(str(tmp_path / "x"))) == tmp_path / "x.png"
    assert dream.save(Named(bytes(tmp_path / "y.webp"))) == tmp_path / "y.webp"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"path": io.BytesIO()}, "does not say its format"),
        ({"path": io.BytesIO(), "format": "gif"}, "format cannot be 'gif'"),
        ({"path": io.BytesIO(), "format": 3}, "format cannot be 3"),
        ({"path": io.StringIO(), "format": "png"}, "cannot be written"),
        ({"path": 5}, "path cannot be 5"),
        ({"path": "a\0b.png"}, "path is no path"),
        ({"path": "x.png", "overwrite": "no"}, "overwrite cannot be 'no'"),
        ({"path": "x.png", "output": {"quality": 3}}, "output cannot be"),
    ],
)
def test_what_cannot_be_saved_to(dream: Dream, tmp_path: Path, monkeypatch, how, said: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said) as caught:
        dream.save(how.pop("path"), **how)
    assert caught.value.hint
    assert not list(tmp_path.iterdir())


def test_a_closed_file(dream: Dream, tmp_path: Path) -> None:
    with (tmp_path / "x.png").open("wb") as file:
        pass
    with pytest.raises(UsageError, match="closed"):
        dream.save(file)
    with (
        Path(tmp_path / "x.png").open("rb") as readable,
        pytest.raises(UsageError, match="cannot be written"),
    ):
        dream.save(readable)
