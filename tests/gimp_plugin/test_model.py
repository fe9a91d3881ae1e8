"""Another model than the built-in one: what becomes of layers and channels, and what the engine is told."""

from __future__ import annotations

import pytest

from engine.settings import config
from engine.settings.selectors import parse_layers
from gimp_plugin.deepdream_common import channels, look, model, parameters, recipe, texts, words

DEEP = [*channels.COUNTS, ("mixed6", 768), ("mixed10", 2048)]
OTHER = [("block3", 256), ("block4", 512), ("block5", 512)]
USUAL = parameters.DEFAULTS
SLIDERS = [layer.name for layer in parameters.LAYERS]


def test_nothing_changes_where_the_model_has_all_layers() -> None:
    assert model.fitted(USUAL, channels.COUNTS) == {}
    assert model.fitted({**USUAL, "channels": "mixed10=1,mixed6:3=2"}, DEEP) == {}


def test_a_model_with_none_of_the_layers_dreams_with_its_last_as_in_the_engine() -> None:
    fitted = {**USUAL, **model.fitted(USUAL, OTHER)}
    assert not any(fitted[name] for name in SLIDERS)
    engines, _warnings = config.fit_layers(
        config.DreamConfig(), [name for name, _count in OTHER], chosen="nothing"
    )
    assert parse_layers(fitted["channels"]) == dict(engines.layers)
    assert not words.problem({**fitted, "model": "other", words.COUNTS: OTHER})


def test_what_the_model_has_is_kept_alone() -> None:
    few = [("mixed3", 768), ("mixed6", 768)]
    values = {**USUAL, "channels": "mixed4:367+439=50,mixed6=2, odd,mixed3:5"}
    assert model.fitted(values, few) == {"mixed4": 0.0, "channels": "mixed6=2,mixed3:5"}


def test_back_at_the_built_in_model_the_looks_layers_return() -> None:
    there = {**USUAL, **model.fitted(USUAL, OTHER)}
    back = {**there, **model.fitted(there, channels.COUNTS)}
    assert back == USUAL


def test_sliders_for_whole_layers_find_theirs_in_the_text() -> None:
    found, others = channels.strengths("mixed4:3=2,mixed10=1.5,block5,odd = x,mixed10=2,a:b", DEEP)
    assert found == {("mixed4", 3): 2}
    whole, rest = channels.whole_layers(others)
    assert whole == {"mixed10": 1.5, "block5": 1.0}
    assert rest == ["odd = x", "mixed10=2", "a:b"]


@pytest.mark.parametrize(
    ("text", "counts", "said"),
    [
        ("block5=1", channels.COUNTS, "There is no layer block5. There are: mixed0, "),
        ("block5=1", OTHER, ""),
        ("block5:512=1", OTHER, "its channels are 0 to 511"),
        ("nobody=1", OTHER, "There are: block3, block4, block5."),
        ("nobody=1", None, ""),
        ("no body", None, "is not like"),
    ],
)
def test_problems_are_those_of_the_model(text: str, counts: list[tuple[str, int]] | None, said: str) -> None:
    found = channels.problem(text, counts)
    assert said.lower() in found.lower()
    assert bool(found) == bool(said)


def test_the_engine_is_told_the_model() -> None:
    options = words.engine_options({**USUAL, "model": " inception_v3 ", "channels": "mixed9=1"})
    assert options[options.index("--model") + 1] == "inception_v3"
    assert "--model" not in words.engine_options({**USUAL, "model": None})


def test_a_script_names_a_model_and_its_layers_and_nothing_else() -> None:
    brief = words.engine_options(words.settled({"model": "other", "channels": "block5=1"}), brief=True)
    assert brief[brief.index("--layers") + 1] == "block5=1"
    assert "--layers" not in words.engine_options(words.settled({"model": "other"}), brief=True)


def test_an_own_look_brings_the_model_that_it_needs() -> None:
    settings = {"layers": {"mixed9": 1.0, "mixed3": 0.5}}
    told = {"name": "night", "settings": settings, "needs": "inception_v3"}
    (here,) = look.own([told])
    assert (here.needs, here.missing) == ("inception_v3", ())
    assert (here.values["channels"], here.values["mixed3"]) == ("mixed9=1", 0.5)
    assert all(not each.needs for each in look.built_in())
    texts.use(["ko"])
    try:
        message = "the preset night needs the model inception_v3"
        (away,) = look.own([{**told, "message": message, "hint": "deepdream model get inception_v3 gets it"}])
    finally:
        texts.use([])
    assert len(away.missing) == 2
    assert all("inception_v3" in text and "the " not in text for text in away.missing)


def test_the_recipe_has_the_model_file() -> None:
    file = {"name": "inception_v3.onnx", "sha256": "1" * 64}
    text = recipe.text(words.settings(USUAL), {"model_file": file}, "3.2", True, None)
    assert recipe.json.loads(text)["model"] == file
