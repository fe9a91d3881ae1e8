"""`deepdream presets`."""

from __future__ import annotations

import json
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest

from engine.settings import presets
from engine.settings.config import DreamConfig
from tests.engine.conftest import QUICK

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for presets that is nobody's."""
    for name in ("XDG_CONFIG_HOME", "APPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path / "config"))
    if sys.platform == "darwin":
        return tmp_path / "config" / "Library" / "Application Support" / "deepdream" / "presets"
    return tmp_path / "config" / "deepdream" / "presets"


def test_list_shows_title_and_description(run) -> None:
    code, out, err = run("presets", "list")
    assert (code, err) == (0, "")
    for name in presets.built_in():
        preset = presets.load(name)
        flat = " ".join(out.split())
        assert f"{name} {preset.title}. {preset.description}" in flat
    assert max(map(len, out.splitlines())) <= 110


def test_list_as_json(run) -> None:
    table = json.loads(run("presets", "list", "--json")[1])
    assert [x["name"] for x in table] == [*presets.names(), *presets.OF_OTHERS]
    assert [x["needs"] for x in table if x["needs"]] == ["bvlc_googlenet"]
    assert [DreamConfig(**x["settings"]) for x in table] == [presets.load(x["name"]).config for x in table]
    (keras,) = (x["settings"] for x in table if x["name"] == "keras")
    assert DreamConfig(**keras) == DreamConfig()


def test_what_is_shown_is_a_preset(run, tmp_path: Path) -> None:
    """It can be read by TOML's own parser, and used as a file."""
    text = run("presets", "show", "classic")[1]
    assert tomllib.loads(text)["jitter"] == 32
    (tmp_path / "copy.toml").write_text(text)
    assert presets.load(str(tmp_path / "copy.toml")).config == presets.load("classic").config
    table = json.loads(run("presets", "show", "classic", "--json")[1])
    assert DreamConfig(**table["settings"]) == presets.load("classic").config


def test_save_and_use(run, home: Path, photo: Path) -> None:
    words = ["--preset", "classic", "--octaves", 2, "--layers", "mixed0:1=-0.25", "--no-clip"]
    code, out, err = run("presets", "save", "mine", *words, "--description", 'Says "hello".')
    assert (code, out) == (0, f"{home / 'mine.toml'}\n")
    assert "--preset mine" in err
    saved = presets.load("mine")
    assert saved.description == 'Says "hello".'
    assert (saved.config.octaves, saved.config.jitter, saved.config.clip) == (2, 32, False)
    assert dict(saved.config.layers) == {"mixed0:1": -0.25}
    assert "mine" in run("presets", "list")[1]
    assert run("dream", photo, "--preset", "mine", *QUICK[:2], "--iterations", 1)[0] == 0


def test_save_from_a_picture(run, photo: Path, home: Path) -> None:
    dreamed = photo.with_name("dreamed.png")
    run("dream", photo, *QUICK, "--jitter", 3, "-o", dreamed)
    assert run("presets", "save", "its-look", "--from-recipe", dreamed, "--octaves", 1)[0] == 0
    config = presets.load("its-look").config
    assert (config.jitter, config.iterations, config.octaves) == (3, 2, 1)
    assert set(config.layers) == {"mixed0", "mixed1"}
    code, _, err = run("presets", "save", "x", "--from-recipe", dreamed, "--preset", "keras")
    assert (code, "leave one of them out" in err) == (2, True)


def test_what_is_there_is_replaced_only_on_demand(run, home: Path) -> None:
    assert run("presets", "save", "mine", "--octaves", 2)[0] == 0
    code, _, err = run("presets", "save", "mine", "--octaves", 4)
    assert (code, "--overwrite" in err) == (2, True)
    assert presets.load("mine").config.octaves == 2
    assert json.loads(run("presets", "save", "mine", "--octaves", 4, "--overwrite", "--json")[1]) == {
        "name": "mine",
        "file": str(home / "mine.toml"),
    }
    assert presets.load("mine").config.octaves == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["lits"], "did you mean list?"),
        (["show"], "takes a name"),
        (["save"], "takes a name"),
        (["save", "../x"], "cannot name a preset"),
        (["save", "keras"], "built in"),
        (["show", "clasic"], "did you mean classic?"),
        (["list", "keras"], "presets show keras"),
        (["show", "keras", "--octaves", "3"], "takes no settings"),
        (["list", "--overwrite"], "takes no settings"),
        (["show", "keras", "--preset", "classic"], "takes no settings"),
        (["save", "x", "--octave", "3"], "did you mean --octaves?"),
        (["save", "x", "--octaves", "99"], "1 to 20"),
    ],
)
def test_mistakes(run, home: Path, words: list[str], said: str) -> None:
    code, out, err = run("presets", *words)
    assert (code, out) == (2, "")
    assert said in err
    assert not home.exists()


def test_a_broken_file_hides_no_other(run, home: Path) -> None:
    home.mkdir(parents=True)
    (home / "broken.toml").write_text("octaves = 99\n[layers]\nmixed3 = 1")
    (home / "odd.toml").write_text('title = "Odd"\ndescription = "\\u001b[31mred"\n[layers]\nmixed3 = 1')
    code, out, err = run("presets", "list")
    assert code == 0
    assert "classic" in out
    assert "odd" in out
    assert "\x1b" not in out
    assert "broken.toml" in err
