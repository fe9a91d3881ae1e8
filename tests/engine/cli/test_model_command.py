"""`deepdream model`, and `--model NAME`, with a network whose template makes the tests' small model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

import engine
from engine.errors import ModelError, UsageError
from engine.settings import models, presets
from tests.engine.conftest import QUICK, TINY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.weights.server import Served

LOOK = QUICK[2:]

pytestmark = pytest.mark.usefixtures("home")


def listed(run) -> dict[str, dict[str, object]]:
    code, out, err = run("model", "list", "--json")
    assert (code, err) == (0, "")
    return {x["name"]: x for x in json.loads(out)}


@pytest.mark.slow
def test_get_use_list_and_remove(run, home: Path, photo: Path, served: Served) -> None:
    assert [x["state"] for x in listed(run).values()] == ["embedded", "obtainable"]
    code, out, err = run("model", "get", "small")
    assert (code, out) == (0, f"{home / 'small.onnx'}\n")
    assert "deepdream dream PICTURE --model small" in err
    assert (home / "small.onnx").read_bytes() == TINY.read_bytes()
    assert not list((home / "weights").iterdir())
    assert listed(run)["small"]["state"] == "made"
    assert run("dream", photo, "--model", "small", *LOOK)[0] == 0
    shown = run("recipe", photo.with_name("photo.dream.png"))[1]
    assert "--model small" in shown
    assert run("model", "remove", "small")[:2] == (0, f"{home / 'small.onnx'}\n")
    assert run("model", "remove", "small")[0] == 2
    assert listed(run)["small"]["state"] == "obtainable"


def test_the_list_says_what_each_is_and_fits_a_terminal(run, served: Served) -> None:
    text = run("model", "list")[1]
    flat = " ".join(text.split())
    assert f"{models.EMBEDDED} embedded, 5 MB; mixed0 … mixed5." in flat
    assert "small obtainable, weights of about 0 bytes, kept as 0 bytes; mixed0" in flat
    assert "Apache-2.0" in flat
    assert max(map(len, text.splitlines())) <= 110


def test_progress_is_told_in_each_form(run, served: Served) -> None:
    err = run("model", "get", "small", "--progress", "json")[2]
    events = [json.loads(x) for x in err.splitlines() if x.startswith("{")]
    assert events[-1] == {
        "event": "fetch",
        "name": "small",
        "bytes": len(served.content),
        "of": len(served.content),
    }
    assert "fetching" not in run("model", "get", "small", "--overwrite", "--progress", "none")[2]


def test_one_that_is_there_is_not_fetched_again_unasked(run, served: Served) -> None:
    assert run("model", "get", "small")[0] == 0
    code, _, err = run("model", "get", "small")
    assert code == 2
    assert "already" in err
    assert "--overwrite" in err
    assert len(served.asked) == 1


def test_nothing_is_kept_of_what_could_not_be_fetched_and_the_way_by_hand_is_told(
    run, home: Path, served: Served
) -> None:
    served.status = 404
    code, out, err = run("model", "get", "small")
    assert (code, out) == (4, "")
    assert "127.0.0.1 answered 404" in err
    assert "deepdream model make --network small --weights weights.h5" in err
    assert not models.kept()


def test_make_keeps_by_name_or_writes_a_file(
    run, home: Path, tmp_path: Path, served: Served, weights: Path
) -> None:
    words = ["model", "make", "--network", "small", "--weights", weights]
    assert run(*words)[:2] == (0, f"{home / 'small.onnx'}\n")
    assert run(*words)[0] == 2
    assert run(*words, "--overwrite")[0] == 0
    assert run("model", "make", "mine", *words[2:])[:2] == (0, f"{home / 'mine.onnx'}\n")
    assert run(*words, "-o", tmp_path / "파일")[:2] == (0, f"{tmp_path / '파일.onnx'}\n")
    assert run(*words, "-o", tmp_path / "파일")[0] == 2
    assert run(*words, "-o", weights, "--overwrite")[0] == 2
    assert listed(run).keys() == {models.EMBEDDED, "mine", "small"}


@pytest.mark.parametrize("fault", ["truncated", "missing", "other"])
def test_a_bad_file_leaves_nothing_behind(run, home: Path, served: Served, weights: Path, fault: str) -> None:
    if fault == "truncated":
        weights.write_bytes(weights.read_bytes()[:-200])
    elif fault == "missing":
        with h5py.File(weights, "w") as root:
            root["layers/dense/vars/0"] = np.ones((2, 2))
    else:
        weights.write_bytes(TINY.read_bytes())
    code, out, err = run("model", "make", "--network", "small", "--weights", weights)
    assert (code, out) == (4, "")
    assert str(weights) in err
    assert not [x for x in home.rglob("*") if x.is_file()]


def test_what_an_action_does_not_take_is_refused(run, served: Served) -> None:
    for words in (
        ["list", "small"],
        ["list", "--until", "mixed1"],
        ["get"],
        ["get", "small", "--weights", "x.h5"],
        ["get", "other"],
        ["get", "small", "--until", "mixed9"],
        ["make", "--network", "small"],
        ["make", "--weights", "x.h5"],
        ["make", "BAD/../NAME", "--network", "small", "--weights", "x.h5"],
        ["make", models.EMBEDDED, "--network", "small", "--weights", "x.h5"],
        ["remove", models.EMBEDDED],
        ["remove", "../../x"],
        ["remove", "small", "--half"],
    ):
        code, out, err = run("model", *words)
        assert (code, out) == (2, ""), words
        assert "hint:" in err or words[1:2] == ["other"], words


def test_a_broken_file_among_the_models_hides_no_other(run, home: Path, served: Served) -> None:
    home.mkdir(parents=True)
    (home / "broken.onnx").write_bytes(b"no model")
    (home / "mine.onnx").write_bytes(TINY.read_bytes())
    code, out, err = run("model", "list")
    assert code == 0
    assert "mine" in out
    assert "broken.onnx is no model" in err
    assert run("model", "remove", "broken")[0] == 0


@pytest.mark.slow
def test_the_library_takes_names(home: Path, photo: Path) -> None:
    home.mkdir(parents=True)
    (home / "mine.onnx").write_bytes(TINY.read_bytes())
    assert engine.load_model("mine").name == str(home / "mine.onnx")
    assert engine.load_model(models.EMBEDDED).layer_names[-1] == "mixed5"
    assert engine.dream(photo, model="mine", layers="mixed0", iterations=1).recipe.model.name == "mine.onnx"


def test_a_name_goes_before_a_file_and_a_file_without_suffix_is_still_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_bytes(TINY.read_bytes())
    assert engine.load_model("mine").name == "mine"
    home.mkdir(parents=True)
    (home / "mine.onnx").write_bytes(TINY.read_bytes())
    assert engine.load_model("mine").name == str(home / "mine.onnx")
    assert engine.load_model("./mine").name == "mine"


def test_a_model_that_is_not_here_is_named_with_the_way_to_it(
    run, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "obtainable", lambda: ["small"])
    with pytest.raises(ModelError) as refused:
        engine.load_model("small")
    assert refused.value.hint == "deepdream model get small gets it"
    code, _, err = run("dream", photo, "--model", "smal")
    assert code == 4
    assert "did you mean small?" in err


@pytest.mark.slow
def test_a_preset_names_the_model_it_needs(
    run, home: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "obtainable", lambda: ["small"])
    words = ["--layers", "mixed0=1", "--iterations", 1, "--needs", "small"]
    assert run("presets", "save", "deep", *words)[0] == 0
    assert "Needs small." in run("presets", "list")[1]
    assert 'needs = "small"' in run("presets", "show", "deep")[1]
    code, _, err = run("dream", photo, "--preset", "deep")
    assert code == 2
    assert "the preset deep needs the model small" in err
    assert "deepdream model get small gets it" in err
    with pytest.raises(UsageError, match="needs the model small"):
        engine.dream(photo, preset="deep")
    home.mkdir(parents=True)
    (home / "small.onnx").write_bytes(TINY.read_bytes())
    assert run("dream", photo, "--preset", "deep")[0] == 0
    assert engine.dream(photo, preset="deep").recipe.model.name == "small.onnx"
    assert run("dream", photo, "--preset", "deep", "--model", TINY, "-o", photo.with_name("b.png"))[0] == 0
    assert run("presets", "save", "deeper", "--preset", "deep", "--octaves", 2)[0] == 0
    assert presets.load("deeper").needs == "small"


@pytest.mark.parametrize("needs", ['"../../x"', "3", '"Two words"'])
def test_a_preset_that_needs_what_is_no_name_is_refused(tmp_path: Path, needs: str) -> None:
    (tmp_path / "a.toml").write_text(f"needs = {needs}\n[layers]\nmixed0 = 1.0\n")
    with pytest.raises(UsageError, match="needs is not"):
        presets.load(tmp_path / "a.toml")


@pytest.mark.slow
def test_a_recipe_finds_its_model_by_content_whatever_it_is_called(run, home: Path, photo: Path) -> None:
    assert run("dream", photo, *QUICK)[0] == 0
    made = photo.with_name("photo.dream.png")
    again = ["dream", "--recipe", made, photo, "--overwrite", "-o", photo.with_name("again.png")]
    assert "another here" in run(*again)[2]
    home.mkdir(parents=True)
    (home / "tiny.onnx").write_bytes(b"of this name, but another")
    (home / "mine.onnx").write_bytes(TINY.read_bytes())
    code, _, err = run(*again)
    assert code == 0
    assert "another here" not in err
