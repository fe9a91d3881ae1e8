from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageOps

import engine
from engine.errors import UsageError
from engine.settings import models, presets
from engine.settings.config import DreamConfig
from engine.settings.untrusted import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
LOOKS = [name for name in presets.built_in() if name != "keras"]
"""Without the tutorial's numbers, which are what they are."""
PHOTOGRAPHS = ["examples/astronaut.jpg", "examples/mountains.jpg", "export/photographs/drawing.jpg"]
"""A face with deep blacks, bright clouds, paper white: what burns first."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the user a folder of presets, in which nothing is yet, and return where it would be."""
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "deepdream" / "presets"


def write(folder: Path, name: str, text: str | bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_the_default_comes_first_and_there_are_looks_enough() -> None:
    names = list(presets.built_in())
    assert names[0] == presets.DEFAULT
    assert names[-2:] == ["classic", "keras"]
    files = {x.stem for x in (ROOT / "engine" / "presets").glob("*.toml")}
    assert {*names, *presets.OF_OTHERS} == files
    assert not set(names) & set(presets.OF_OTHERS)
    assert len(set(presets.ORDER)) == len(presets.ORDER)
    assert len(LOOKS) >= 8
    assert len({presets.load(x).config for x in names}) == len(names)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", x) for x in names)


def test_that_of_2015_has_its_numbers_and_waits_for_its_network(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of google/deepdream's dream.ipynb: 1.5 of 255 is what a step changes in the mean."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    preset = presets.load("googlenet")
    wanted = {"octaves": 4, "octave_scale": 1.4, "iterations": 10, "jitter": 32, "clip": True}
    wanted |= {"layers": {"inception_4c/output": 1.0}, "max_loss": None, "step_size": 1.5 / 127.5}
    plain = DreamConfig()
    changed = {x for x in preset.settings if getattr(preset.config, x) != getattr(plain, x)}
    assert changed == {*wanted} - {"octave_scale"}
    assert {x: preset.settings[x] for x in wanted} == wanted
    assert "googlenet" not in presets.names()
    with pytest.raises(UsageError, match="needs the model bvlc_googlenet") as caught:
        presets.model_for("googlenet")
    assert caught.value.hint == "deepdream model get bvlc_googlenet gets it"
    with pytest.raises(UsageError, match="is built in"):
        presets.save("googlenet", plain)
    models.place_for("bvlc_googlenet").touch()
    assert presets.names() == [*presets.built_in(), "googlenet"]
    assert presets.model_for("googlenet") == "bvlc_googlenet"


@pytest.mark.parametrize("name", presets.built_in())
def test_each_built_in_preset_introduces_itself(name: str, home: Path) -> None:
    preset = presets.load(name)
    assert (preset.name, preset.source) == (name, "built in")
    assert preset.title
    assert len(preset.title) < 40
    assert preset.description.endswith(".")
    assert 20 < len(preset.description) < 120
    assert preset.config == presets.PRESETS[name]


@pytest.mark.parametrize("name", presets.built_in())
def test_the_embedded_model_has_what_a_preset_asks_for(name: str, embedded: engine.DreamModel) -> None:
    assert embedded.channel_weights(presets.load(name).config.layers).any()


@pytest.fixture(scope="module")
def embedded() -> engine.DreamModel:
    return engine.load_model(device="cpu", threads=1)  # two such tests run at a time


@pytest.mark.parametrize("name", presets.built_in())
def test_what_is_saved_is_read_as_it_was(name: str, home: Path) -> None:
    config = presets.load(name).config
    path = presets.save("mine", config, 'Says "hello\\", in\ntwo lines – and é.')
    assert path == home / "mine.toml"
    mine = presets.load("mine")
    assert mine.config == config
    assert mine.description == 'Says "hello\\", in two lines – and é.'
    assert mine.source == str(path)
    assert presets.load(str(path)).config == config
    assert presets.names()[-1] == "mine"
    assert [x.name for x in home.iterdir()] == ["mine.toml"]  # nothing half written stays


def test_a_saved_preset_is_replaced_only_when_asked(home: Path) -> None:
    presets.save("mine", DreamConfig())
    with pytest.raises(UsageError, match="already") as caught:
        presets.save("mine", DreamConfig(octaves=5))
    assert "--overwrite" in caught.value.hint
    assert presets.load("mine").config.octaves == 3
    presets.save("mine", DreamConfig(octaves=5), overwrite=True)
    assert presets.load("mine").config.octaves == 5
    assert home.is_dir()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../mine", "a/b", "a\\b", "/mine", "C:mine", "Mine", "mine.toml", "a\0b", "x" * 65],
)
def test_a_name_leads_nowhere(name: str, home: Path) -> None:
    with pytest.raises(UsageError, match="cannot name a preset") as caught:
        presets.save(name, DreamConfig())
    assert caught.value.hint
    assert not home.exists()
    write(home.parent, "mine.toml", "octaves = 7")
    with pytest.raises(UsageError):
        presets.load(name)


def test_a_built_in_name_is_not_taken_by_saving(home: Path) -> None:
    with pytest.raises(UsageError, match="built in"):
        presets.save("keras", DreamConfig())
    assert not home.exists()


def test_the_users_own_come_before_the_built_in_ones(home: Path) -> None:
    assert presets.load("classic").source == "built in"
    path = write(home, "classic.toml", 'title = "Mine"\noctaves = 7\n')
    assert presets.load("classic").source == str(path)
    assert presets.configure("classic", {}).octaves == 7
    assert presets.names().count("classic") == 1
    assert presets.PRESETS["classic"].octaves != 7  # what the package means by it


def test_files_beside_presets_are_none(home: Path) -> None:
    for name in ("note.txt", "Loud.toml", ".hidden.toml", "mine.part"):
        write(home, name, "octaves = 7")
    (home / "folder.toml").mkdir()
    assert presets.names() == [*presets.built_in(), "folder"]
    with pytest.raises(UsageError, match="cannot be read"):
        presets.load("folder")


def test_a_file_that_is_not_there_is_reported(home: Path) -> None:
    for name in (str(home / "none.toml"), "a\0b.toml", "x" * 5000 + ".toml"):
        with pytest.raises(UsageError, match="cannot be read"):
            presets.load(name)


HOSTILE = {
    "no TOML": ("octaves = ", "not valid TOML"),
    "no text": (b"\xff\xfe\x00", "not valid TOML"),
    "huge": ("# " + "x" * LARGEST, "too long"),
    "endless number": ("octaves = " + "9" * 5000, "not valid TOML"),
    "large number": ("octaves = " + "9" * 400, "--octaves 99"),
    "large coefficient": ("[layers]\nmixed4 = " + "9" * 400, "--layers mixed4=99"),
    "deep": ("layers = " + "[" * 30000, "nested too deeply"),
    "deep tables": ("a" + ".a" * 20000 + " = 1", "nested too deeply"),
    "dotted table": ("[a" + ".a" * 900 + "]", "nested too deeply"),
    "deep layers": ("layers.mixed4" + ".a" * 900 + " = 1", "nested too deeply"),
    "unknown setting": ("octave = 3", "no setting called 'octave'"),
    "method": ("__class__ = 3", "no setting called '__class__'"),
    "text for a number": ('octaves = "3"', "--octaves"),
    "number for a switch": ("clip = 1", "--clip"),
    "truth for a number": ("octaves = true", "--octaves"),
    "half an octave": ("octaves = 2.5", "--octaves"),
    "not a number": ("step_size = nan", "--step"),
    "without end": ("step_size = inf", "--step"),
    "date": ("octaves = 2015-07-01", "--octaves"),
    "list": ("octaves = [1, 2]", "--octaves"),
    "layers as text": ('layers = "mixed4"', "not a table"),
    "layers as list": ("layers = [1]", "not a table"),
    "no layers": ("[layers]", "no layer"),
    "layer of text": ('[layers]\nmixed4 = "1"', "out of range"),
    "layer without end": ("[layers]\nmixed4 = inf", "out of range"),
    "table for a layer": ("[layers.mixed4]\nx = 1", "out of range"),
    "strange layer": ('[layers]\n"a b; rm" = 1', "is not NAME"),
    "title of another kind": ("title = 5", "title"),
    "table for a description": ("[description]\nx = 1", "description"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_file_that_is_no_preset_is_refused_in_one_line(case: str, home: Path) -> None:
    text, message = HOSTILE[case]
    path = write(home, "mine.toml", text)
    for name in ("mine", str(path)):
        with pytest.raises(UsageError, match=re.escape(message)) as caught:
            presets.load(name)
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < len(str(path)) + presets.LONGEST + 50
        assert "\n" not in str(caught.value)


def test_what_a_preset_says_of_itself_cannot_reach_into_a_terminal(home: Path) -> None:
    write(home, "mine.toml", 'title = "red \\u001b[31m\\nand more"\ndescription = "' + "long " * 1000 + '"')
    mine = presets.load("mine")
    assert mine.title == "red [31m and more"
    assert mine.title.isprintable()
    assert len(mine.description) == presets.LONGEST
    write(home, "mine.toml", "octaves = 4")
    assert (presets.load("mine").title, presets.load("mine").description) == ("mine", "")


def test_without_a_readable_folder_there_are_the_built_in_ones(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert presets.names() == list(presets.built_in())
    home.parent.mkdir(parents=True)
    home.write_text("a file where the folder would be")
    assert presets.names() == list(presets.built_in())
    with pytest.raises(UsageError, match="cannot be written"):
        presets.save("mine", DreamConfig())
    monkeypatch.setattr(Path, "home", partial(_no_home))
    assert presets.load("keras").config == DreamConfig()


def _no_home() -> Path:
    raise RuntimeError("no home")


def test_from_the_command_line(photo: Path, home: Path, run: Callable[..., tuple[int, str, str]]) -> None:
    write(home, "tiny.toml", "iterations = 1\noctaves = 1\n[layers]\nmixed0 = 1.0\n")
    model = ROOT / "tests" / "data" / "tiny.onnx"
    code, out, err = run(
        "dream", photo, "--model", model, "--preset", "tiny", "-o", home.parent / "dream.png"
    )
    assert (code, out.strip()) == (0, str(home.parent / "dream.png")), err


@pytest.mark.parametrize("name", presets.built_in())
def test_the_gallery_shows_each_preset(name: str) -> None:
    preset = presets.load(name)
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    section = page.split(f"## {preset.title}\n")[1].split("\n## ")[0]
    assert section.split("```")[0].strip() == preset.description
    assert f"deepdream dream photo.jpg --preset {name}\n" in section
    picture = f"pictures/gallery/{name}.jpg"
    assert f"]({picture})" in section
    with (
        Image.open(ROOT / "docs" / picture) as sheet,
        Image.open(ROOT / "docs" / "pictures" / "gallery" / "photographs.jpg") as photographs,
    ):
        assert sheet.size == photographs.size


def test_the_gallery_has_the_presets_in_their_order() -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    assert re.findall(r"deepdream dream photo\.jpg --preset ([a-z]+)\n", page) == list(presets.built_in())


def test_the_gallery_s_own_example_is_a_preset(home: Path, embedded: engine.DreamModel) -> None:
    page = (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8")
    write(home, "night.toml", page.split("```toml\n")[1].split("```")[0])
    assert presets.load("night").title == "Night market"
    assert embedded.channel_weights(presets.load("night").config.layers).any()


SIDE = 192
"""Pixels of a photograph's side.  At 256 slightly less burns, in twice the time: of `wool` 0.42 % are new at
an end instead of 0.51 %, of `glass` 0.55 % instead of 0.57 %."""


def sheet(paths: list[str]) -> Image.Image:
    """Return photographs one beside the other: a dream has one margin, not three."""
    whole = Image.new("RGB", (SIDE * len(paths), SIDE))
    for number, path in enumerate(paths):
        with Image.open(ROOT / path) as file:
            whole.paste(ImageOps.fit(file.convert("RGB"), (SIDE, SIDE)), (SIDE * number, 0))
    return whole


@pytest.mark.slow
@pytest.mark.parametrize("name", LOOKS)
def test_a_look_burns_nothing(name: str, embedded: engine.DreamModel) -> None:
    """Of a photograph's values, under 1 % more than before lie at black or white, or are there for the first
    time although they were far from it.  The default is tried on all photographs, the other looks on the one
    with most that is nearly black."""
    paths = PHOTOGRAPHS if name == presets.DEFAULT else PHOTOGRAPHS[:1]
    photographs = sheet(paths)
    dreamed = engine.dream(photographs, preset=name, model=embedded).pixels
    for path, before, after in zip(
        paths, *(np.split(np.asarray(x), len(paths), 1) for x in (photographs, dreamed)), strict=True
    ):
        assert np.abs(after.astype(int) - before).mean() > 4, path  # it does something
        assert at_an_end(after).mean() - at_an_end(before).mean() < 0.01, path
        assert (at_an_end(after) & ~at_an_end(before, 8)).mean() < 0.01, path


def at_an_end(pixels: NDArray[np.uint8], reach: int = 0) -> NDArray[np.bool_]:
    """Tell of each value whether it is at 0 or 255, or no more than `reach` away."""
    return (pixels <= reach) | (pixels >= 255 - reach)
