"""Which files are opened at all: every plug-in of Pillow is decided, and no program is ever started."""

from __future__ import annotations

import ast
import io
import os
import sys
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, Image

import engine
from engine.errors import ImageError
from engine.files import images
from engine.files.formats import READABLE
from engine.files.opening import LEFT_OUT, READ
from tests.engine.conftest import QUICK
from tests.engine.files import samples

ENGINE = Path(engine.__file__).parent


def test_every_plug_in_is_decided() -> None:
    Image.init()
    assert set(Image.OPEN) <= {*READ, *LEFT_OUT}
    assert not {*READ} & {*LEFT_OUT}


@pytest.mark.parametrize("form", READ)
def test_what_is_said_to_be_read_is_read(form: str) -> None:
    if form in {"HEIF", "JXL"}:
        pytest.importorskip({"HEIF": "pillow_heif", "JXL": "pillow_jxl"}[form])
    picture = images.load(io.BytesIO(samples.sample(form)))
    assert picture.shape == {"PCD": (512, 768), "ICNS": (128, 128)}.get(form, (samples.HEIGHT, samples.WIDTH))


def test_suffixes_that_make_a_picture_are_those_of_formats_that_are_read() -> None:
    Image.init()
    names = {Image.registered_extensions()[x] for x in READABLE if x in Image.registered_extensions()}
    assert names <= set(READ)


@pytest.mark.slow
def test_pictures_are_opened_in_one_place_or_of_one_format() -> None:
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Image.open":
                assert "formats" in [x.arg for x in node.keywords], path


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The mark that a Ghostscript on the path leaves when it is started."""
    if sys.platform == "win32":
        pytest.skip("a script is no program there")
    mark, program = tmp_path / "started", tmp_path / "bin" / "gs"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None)
    return mark


def test_pillow_itself_would_start_ghostscript(ghostscript: Path) -> None:
    with pytest.raises(OSError), Image.open(io.BytesIO(samples.EPS)) as image:  # noqa: PT011 - it drew nothing
        image.load()
    assert ghostscript.exists()


@pytest.mark.parametrize("name", ["x.png", "x.jpg", "x.eps", "x.tif"])
def test_an_eps_file_starts_nothing_whatever_its_name(tmp_path: Path, ghostscript: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(samples.EPS)
    for way in (images.load, images.read, images.recipe_of):
        with pytest.raises(ImageError, match="not a picture in a known format"):
            way(path)
    assert images.pixel_count(path) == 0
    assert not ghostscript.exists()


def test_no_command_starts_anything(tmp_path: Path, run, photo: Path, ghostscript: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(samples.EPS)
    out = tmp_path / "out.png"
    for words in ([path], [photo, "--guide", path], [photo, "--mask", path], [photo, "--recipe", path]):
        assert run("dream", *words, *QUICK, "-o", out)[0] == ImageError.exit_code
    assert run("recipe", path)[0] == ImageError.exit_code
    assert not ghostscript.exists()
    assert not out.exists()


def test_an_eps_image_that_the_caller_opened_is_refused_until_it_is_loaded(ghostscript: Path) -> None:
    with Image.open(io.BytesIO(samples.EPS)) as image:
        with pytest.raises(ImageError, match="pictures in EPS are not read") as caught:
            images.from_pil(image)
        with pytest.raises(ImageError, match="pictures in EPS are not read"):
            engine.dream(image)
        assert "load()" in caught.value.hint
    assert not ghostscript.exists()


def test_an_image_that_only_another_program_could_decode_is_refused() -> None:
    with (
        Image.open(io.BytesIO(b"BUFR" + b"\0" * 20)) as image,
        pytest.raises(ImageError, match="pictures in BUFR are not read"),
    ):
        images.from_pil(image)
