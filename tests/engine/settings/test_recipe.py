"""Recipes as text: what goes in comes out, and a hostile text is refused in words."""

from __future__ import annotations

import contextlib
import json
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DreamError, UsageError
from engine.settings.config import DreamConfig, settings
from engine.settings.origin import Origin, bare_name
from engine.settings.output import Output
from engine.settings.recipe import Recipe
from engine.settings.tiling import Tiling
from engine.settings.untrusted import LARGEST

DIGEST = "0123456789abcdef" * 4

FULL = Recipe(
    config=DreamConfig(
        layers={"mixed3:87": -0.1, "mixed4": 2.0}, min_size=300, max_loss=None, clip=True, seed=7
    ),
    guide=Origin("rose.jpg", DIGEST),
    mask=Origin("Maske für oben.png", DIGEST),
    output=Output(quality=80, depth="16", dither=True, strip_metadata=True),
    picture=DIGEST,
    finished=False,
    tiling=Tiling(size=512, halo=64, max_memory=800_000_000),
    device="cpu",
    threads=2,
    precision="full",
    model=Origin("mine.onnx", DIGEST),
    versions={"deepdream": "0.1.0", "onnxruntime": "1.30"},
    system="Linux x86_64",
)


def changed(**values: object) -> str:
    return json.dumps(json.loads(FULL.to_json()) | values)


def with_settings(**values: object) -> str:
    return changed(settings=json.loads(FULL.to_json())["settings"] | values)


@pytest.mark.parametrize(
    "recipe", [FULL, Recipe(config=DreamConfig()), replace(FULL, mask="alpha", guide=None)]
)
def test_what_is_written_is_read(recipe: Recipe) -> None:
    text = recipe.to_json()
    assert text.isascii()
    assert "\n" not in text
    assert Recipe.from_json(text) == recipe
    assert Recipe.from_json(text).unknown == ()


@pytest.mark.slow
@given(
    st.builds(
        DreamConfig,
        layers=st.dictionaries(
            st.sampled_from(["mixed2", "mixed3:87", "mixed5:1+2"]), st.floats(-1000, 1000), min_size=1
        ),
        **{
            name: st.booleans()
            if x.kind is bool
            else st.integers(int(x.low), int(x.high))
            if x.kind is int
            else st.floats(x.low, x.high)
            for name, x in settings().items()
        },
    )
)
def test_settings_stay_exact(config: DreamConfig) -> None:
    assert Recipe.from_json(Recipe(config=config).to_json()).config == config


def test_every_choice_about_a_file_is_kept() -> None:
    table = json.loads(FULL.to_json())
    left_out = {"seed", "recipe", "with_recipe"}
    assert set(table["output"]) == {x.name for x in fields(Output)} - left_out
    assert set(table["settings"]) == {x.name for x in fields(DreamConfig)}


def test_settings_alone_are_a_recipe_and_what_they_leave_out_is_the_tutorials() -> None:
    recipe = Recipe.from_json('{"settings": {"layers": {"mixed4": 1}, "octaves": 2}}')
    assert recipe == Recipe(config=DreamConfig(layers={"mixed4": 1}, octaves=2))


def test_what_a_newer_program_wrote_is_named_not_lost_in_silence() -> None:
    recipe = Recipe.from_json(
        with_settings(sharpness=1, glow="x").replace('"schema"', '"brush": {"a": []}, "schema"')
    )
    assert recipe == FULL
    assert set(recipe.unknown) == {"sharpness", "glow", "brush"}


def test_a_newer_schema_is_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError, match="schema 2") as caught:
        Recipe.from_json(changed(schema=2))
    assert "newer" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no JSON"),
        ("no", "no JSON"),
        ("[]", "not a table"),
        ("{}", "no settings"),
        ("[" * 50_000, "no JSON|nested too deeply"),  # some parsers give up before they miss the end
        ("[" * 32_000 + "]" * 32_000, "nested too deeply"),
        ('{"settings": ' * 4_000 + "1" + "}" * 4_000, "nested too deeply"),
        ('{"settings": ' * 34 + "1" + "}" * 34, "nested too deeply"),
        (with_settings(layers={"mixed3": json.loads("[" * 900 + "]" * 900)}), "nested too deeply"),
        (" " * (LARGEST + 1), "too long"),
        ('{"settings": {"octaves": NaN}}', "NaN"),
        (f'{{"settings": {{"octaves": {"9" * 20_000}}}}}', "--octaves inf"),
        (with_settings(octaves=21), "--octaves"),
        (with_settings(octaves="3"), "--octaves"),
        (with_settings(octaves=[3]), "octaves"),
        (with_settings(clip=1), "--clip"),
        (with_settings(seed=-1), "--seed"),
        (with_settings(layers={}), "no layer"),
        (with_settings(layers=["mixed3"]), "not a table"),
        (with_settings(layers={"mixed3": "much"}), "out of range"),
        (with_settings(layers={"mixed3": 1e9}), "out of range"),
        (with_settings(layers={"mixed3;rm": {}}), "out of range"),
        (with_settings(octaves="\x1b[31m"), "control characters"),
        (with_settings(**{"\u202egnp": 1}), "control characters"),
        (changed(settings=None), "not a table"),
        (changed(schema="1"), "schema"),
        (changed(schema=0), "schema"),
        (changed(threads=True), "threads"),
        (changed(threads=0.5), "threads"),
        (changed(tiling={"tile": 100}), "--tile"),
        (changed(tiling={"tile": [1]}), "tile"),
        (changed(tiling={"halo": 32.0}), "tiling"),
        (changed(tiling={"max_memory": 1}), "--max-memory"),
        (changed(output={"quality": 101}), "--quality"),
        (changed(output={"quality": True}), "quality"),
        (changed(output={"depth": "12"}), "depth"),
        (changed(device="gpu"), "not a valid device"),
        (changed(device="--output=/x"), "not a valid device"),
        (changed(precision="double"), "not a valid precision"),
        (changed(picture="../x"), "not a valid sha256"),
        (changed(model={"name": "x.onnx"}), "not a valid sha256"),
        (changed(guide="rose.jpg"), "not a table"),
        (changed(versions={"numpy": 2}), "not text"),
    ],
)
def test_what_is_no_recipe_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        Recipe.from_json(text)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x.png",
        "a/b.png",
        "a\\b.png",
        "C:x.png",
        "..",
        ".",
        "x.png\x00",
        "x\n.png",
        "x" * 300,
    ],
)
def test_a_path_is_no_name(name: str) -> None:
    with pytest.raises(UsageError):
        Recipe.from_json(changed(guide={"name": name, "sha256": DIGEST}))


@given(st.text())
def test_a_bare_name_leads_nowhere_and_is_its_own(path: str) -> None:
    name = bare_name(path)
    assert name == bare_name(name)
    assert not set(name) & set('/\\:\0\n"')
    assert name not in {"", ".", ".."}
    assert name.isprintable()
    Origin(name, DIGEST)


@pytest.mark.slow
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=20,
    )
)
def test_any_json_is_read_or_refused(value: object) -> None:
    for text in (json.dumps(value), changed(settings=value), changed(tiling=value), changed(mask=value)):
        with contextlib.suppress(DreamError):
            Recipe.from_json(text)
