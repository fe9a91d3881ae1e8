"""Checks without a screen: options and recipes on their way to the engine and back."""

import contextlib
import json
import sys
import tomllib
from pathlib import Path

from gi.repository import Gimp, Gio
from headless_hands import (
    GRAY,
    PLUGIN,
    PROCEDURE,
    RGB,
    P,
    alpha_of,
    call,
    called,
    dream,
    engine,
    here,
    picture,
    pixels,
    refused,
    scheme,
    scheme_call,
    selected,
    untouched,
    words,
)


def check_help():
    found = Gimp.get_pdb().lookup_procedure(PROCEDURE).get_help_id()
    assert found == f"deepdream?{PROCEDURE}", found
    known = Path(Gimp.directory(), "pluginrc").read_bytes().decode("utf-8", "replace")
    assert f'(help-def "deepdream" "file://{PLUGIN}/deepdream_common/help")' in known


def check_defaults_are_the_command_lines():
    with picture() as (image, layer):
        assert call(image, [layer]) == ("success", "")
        assert words()[:5] == ["pipe", "--progress", "json", "--abort-on-eof", "--keep-partial"]
        assert words()[5:] == ["--preset", "dream", "--device", "auto"]


def check_options_reach_the_engine():
    with picture() as (image, layer):
        # Values that the preset, which may be tuned, will hardly have: what equals it is left to it.
        look = {"step_size": 0.021, "octaves": 2, "octave_scale": 1.55, "iterations": 7, "max_loss": 8.5}
        layers = {"mixed0": 1.25, "mixed1": 0.0, "mixed2": 0.0, "mixed3": 0.55, "mixed4": 2.35, "mixed5": 0.0}
        channels = {"channels": "mixed4:12+40=0.5"}
        dream(
            image,
            layer,
            by=call,
            device="cpu",
            seed=2147483647,
            keep_colours=True,
            **look,
            **layers,
            **channels,
        )
        assert words()[5:] == [
            "--preset", "dream", "--device", "cpu", "--step", "0.021", "--octaves", "2", "--min-size", "none",
            "--iterations", "7", "--octave-scale", "1.55", "--max-loss", "8.5", "--seed", "2147483647",
            "--keep-colours", "--layers", "mixed0=1.25,mixed3=0.55,mixed4=2.35,mixed4:12+40=0.5",
        ], words()  # fmt: skip


def check_preset_counts_for_what_a_script_leaves_out():
    with picture() as (image, layer):
        dream(image, layer, by=call, preset="classic", iterations=7)
        assert words()[5:] == ["--preset", "classic", "--device", "auto", "--iterations", "7"], words()
        settings = recipe(layer)["settings"]
        assert settings["layers"] == {"mixed3": 1.0, "mixed4": 0.5}, settings
        assert (settings["jitter"], settings["iterations"], settings["clip"]) == (32, 7, True), settings


def recipe(layer):
    """Return the recipe that a layer keeps; it must be one that GIMP saves."""
    parasite = layer.get_parasite("deepdream-recipe")
    assert parasite is not None, "the layer has no recipe"
    assert parasite.is_persistent()
    return json.loads(bytes(parasite.get_data()))


def check_recipe():
    with picture(canvas=(120, 110)) as (image, layer):
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 15, 12, 60, 60)
        assert call(image, [layer], mixed0=1.5, feather=5)[0] == "success"
        copy, path = image.get_layers()[0], Path(Gimp.directory(), "recipe.xcf")
        assert layer.get_parasite("deepdream-recipe") is None
        found = recipe(copy)
        assert found["settings"]["layers"]["mixed0"] == 1.5, found
        assert (found["settings"]["feather"], found["mask"], found["finished"]) == (5, "alpha", True), found
        assert found["versions"]["gimp"] == Gimp.version(), found
        file = Gio.File.new_for_path(str(path))
        assert Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, file, None)
        again = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
        assert recipe(again.get_layers()[0]) == found
        again.delete()
        path.unlink()


def check_selection_travels_as_a_mask():
    for kind, alpha, precision in ((RGB, False, P.U8_NON_LINEAR), (GRAY, True, P.U16_LINEAR)):
        with picture(kind, alpha, precision, canvas=(200, 180), size=(190, 170), at=(-20, 30)) as (
            image,
            layer,
        ):
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 50, 40, 60)
            dream(image, layer)
            assert called()[3:] == (4 if kind == RGB else 2, 40 * 60), called()
            assert words()[-2:] == ["--mask", "alpha"], words()
            assert words()[words().index("--feather") + 1] == "10", words()
            dream(image, layer, fit_selection=False)
            assert "--mask" not in words()
            Gimp.Selection.none(image)
            dream(image, layer)
            assert "--mask" not in words()


def check_preview_of_a_selection():
    sys.path.insert(0, PLUGIN)
    from deepdream_common import parameters
    from pixels import Rectangle
    from subject import Subject
    from thumbnail import Thumbnail

    with picture(canvas=(896, 896), alpha=False) as (image, layer):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 200, 200, 200, 200)
        small = Thumbnail(Subject(image, layer), Rectangle(0, 0, 896, 896))
        options, frame = small.sent(parameters.DEFAULTS)
        assert options[-2:] == ["--mask", "alpha"]
        assert options[options.index("--feather") + 1] == "8", options
        assert 98**2 <= sum(1 for value in frame.pixels[3::4] if value) <= 102**2
        assert frame.pixels[0::4] == small.frame.pixels[0::4]
        mixed = small.within_selection(bytes(255 - value for value in frame.pixels))
        assert mixed[3::4] == small.frame.pixels[3::4]
        options, frame = small.sent({**parameters.DEFAULTS, "fit-selection": False})
        assert "--mask" not in options
        assert frame == small.frame


def presets():
    """Return the engine's presets by name: layers and other settings under the engine's names.

    Not those for another model: these come from the engine, as a user's own do.
    """
    found = {}
    for file in Path(__file__).resolve().parents[3].glob("engine/presets/*.toml"):
        values = tomllib.loads(file.read_text(encoding="utf-8"))
        if "needs" in values:
            continue
        found[file.stem] = {
            name: None if value == "none" else value
            for name, value in values.items()
            if name not in ("title", "description")
        }
    assert len(found) > 10, found
    return found


def check_every_preset_alone_is_the_engines():
    with picture() as (image, layer):
        for name, settings in presets().items():
            dream(image, layer, by=call if name in ("coral", "gaze", "keras") else here, preset=name)
            assert words()[5:] == ["--preset", name, "--device", "auto"], words()
            made = recipe(layer)["settings"]
            assert {key: made[key] for key in settings} == settings, (name, made)


def check_every_preset_from_script_fu():
    with picture() as (image, layer):
        names = sorted(presets())
        calls = scheme_call(image, layer, '#:preset name #:result "in-place"')
        texts = " ".join(f'"{name}"' for name in names)
        assert scheme(f"(for-each (lambda (name) {calls}) (list {texts}))") == ("success", "")
        for back, name in enumerate(reversed(names), 1):
            assert words(back)[5:] == ["--preset", name, "--device", "auto"], words(back)
        assert (
            scheme(scheme_call(image, layer, '#:preset "coral" #:iterations 7 #:device "cpu"'))[0]
            == "success"
        )
        assert words()[5:] == ["--preset", "coral", "--device", "cpu", "--iterations", "7"], words()


def check_misspelt_choice_is_refused():
    cases = (
        ("preset", "corl", "dream, "),
        ("device", "gpu", "auto, cpu, cuda"),
        ("result", "in_place", "new-layer, in-place"),
    )
    with picture() as (image, layer):
        for name, value, others in cases:
            refused(image, [layer], f"{name} can't be “{value}”", others, **{name: value}, by=call)
            status, message = scheme(scheme_call(image, layer, f'#:{name} "{value}"'))
            assert status == "execution-error", (name, status, message)
            assert f"“{value}”" in message, message


def check_last_values():
    with picture() as (image, layer):
        assert call(image, [layer], Gimp.RunMode.WITH_LAST_VALS) == ("success", "")
        assert "--layers" in words()
        # Values that an earlier version stored, whose preset is gone.
        answer = call(image, [layer], Gimp.RunMode.WITH_LAST_VALS, preset="blossom", iterations=7)
        assert answer == ("success", ""), answer


def check_stored_choice_that_is_gone_is_the_default():
    sys.path.insert(0, PLUGIN)
    import order

    config = Gimp.get_pdb().lookup_procedure(PROCEDURE).create_config()
    config.set_property("preset", "blossom")
    config.set_property("result", "in-place")
    order.renew(config)
    values = order.values_of(config, script=False)
    assert (values["preset"], values["result"]) == ("dream", "in-place"), values


def check_bad_parameters():
    with picture() as (image, layer):
        none = {f"mixed{number}": 0.0 for number in range(6)}
        refused(image, [layer], "Every layer is at 0", channels="", **none, by=call)
        for name, value, wanted in (
            ("octaves", 0, "from 1 to 20"),
            ("octaves", 21, "from 1 to 20"),
            ("step-size", 2.0, "from 0.00001 to 1"),
            ("step-size", -0.01, "from 0.00001 to 1"),
            ("mixed4", 1e9, "from -1000 to 1000"),
            ("blend", 1.01, "from 0 to 1"),
            ("min-size", 10, "0, or a whole number from 32"),
        ):
            given, by = {name.replace("-", "_"): value}, call if name == "octaves" else here
            refused(image, [layer], f"{name} can't be {value}", wanted, by=by, **given)
            status, message = scheme(scheme_call(image, layer, f"#:{name} {value:.10g}"))
            assert status == "execution-error", (name, status, message)
            assert wanted in message, message
        with contextlib.suppress(TypeError):
            call(image, [layer], octaves="many")
            raise AssertionError("a word for a number")


def check_real_engine():
    engine("real")
    for kind, precision, alpha in (
        (RGB, P.U8_NON_LINEAR, True), (GRAY, P.U8_NON_LINEAR, False), (RGB, P.U16_LINEAR, True),
        (RGB, P.FLOAT_LINEAR, False),
    ):  # fmt: skip
        with picture(kind, alpha, precision) as (image, layer):
            before = pixels(layer)
            dream(image, layer, octaves=1, iterations=2)
            after = pixels(layer)
            assert before != after
            if alpha:
                assert alpha_of(layer, before) == alpha_of(layer, after)


def check_real_engine_in_a_selection():
    engine("real")
    with picture(canvas=(120, 110), precision=P.U16_NON_LINEAR) as (image, layer):
        before = pixels(layer)
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 30, 30, 60, 50)
        Gimp.Selection.feather(image, 5.0)
        mask = selected(image, layer)
        dream(image, layer, octaves=1, iterations=2)
        untouched(layer, before, mask)
        assert alpha_of(layer, before) == alpha_of(layer, pixels(layer))
        assert pixels(layer) != before
