"""Check the plug-in in a `gimp-console` without a screen: one process, every function named `check_…`.

Executed by GIMP's python-fu-eval.  The environment says where things are: CHECK_PLUGIN (its folder),
CHECK_PYTHON (an interpreter for the fake engine), CHECK_FAKE (that engine), CHECK_ENGINE (the command of the
real one, JSON), FAKE_ENGINE_WORDS (what the fake one was called with), CHECK_REPORT (where the report goes, a
line of JSON for each check), CHECK_ONLY (a part of the names, to run only some).
"""

# ruff: noqa: B905, BLE001, E402, S311, S607

import array
import contextlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
import traceback
import zlib
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp, Gio

PLUGIN = os.environ["CHECK_PLUGIN"]
PROCEDURE = "plug-in-deep-dream"
WIDTH, HEIGHT = 80, 70
RGB, GRAY = Gimp.ImageBaseType.RGB, Gimp.ImageBaseType.GRAY
P = Gimp.Precision
PRECISIONS = [
    P.U8_NON_LINEAR, P.U8_LINEAR, P.U8_PERCEPTUAL,
    P.U16_NON_LINEAR, P.U16_LINEAR, P.U32_NON_LINEAR, P.U32_LINEAR,
    P.HALF_NON_LINEAR, P.HALF_LINEAR, P.FLOAT_NON_LINEAR, P.FLOAT_LINEAR, P.FLOAT_PERCEPTUAL,
    P.DOUBLE_NON_LINEAR, P.DOUBLE_LINEAR,
]  # fmt: skip
TOLERANCE = {"u8": 2 / 255, "u16": 2e-4, "half": 2e-3, "u32": 2e-5, "float": 2e-5, "double": 2e-5}
"""How far the colour may be from what the engine gave; u8 with a tone curve is exact instead."""


# What the checks stand on


@contextlib.contextmanager
def picture(kind=RGB, alpha=True, precision=P.U8_NON_LINEAR, canvas=(WIDTH, HEIGHT), size=None, at=(0, 0)):
    """Give an image with one layer of random pixels."""
    image = Gimp.Image.new_with_precision(*canvas, kind, precision)
    try:
        add_layer(image, alpha, size or canvas, at)
        image.clean_all()
        yield image, image.get_layers()[0]
    finally:
        image.delete()


def add_layer(image, alpha, size, at=(0, 0), name="Sky", parent=None):
    kind = {(RGB, False): 0, (RGB, True): 1, (GRAY, False): 2, (GRAY, True): 3}[image.get_base_type(), alpha]
    layer = Gimp.Layer.new(image, name, *size, Gimp.ImageType(kind), 100.0, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, 0)
    layer.set_offsets(*at)
    put(layer, random_pixels(layer))
    return layer


def native(layer):
    return Babl.get_name(layer.get_format())


def component(layer):
    return Babl.format_get_encoding(layer.get_format()).rsplit(" ", 1)[1]


def random_pixels(layer):
    count = layer.get_width() * layer.get_height() * (layer.get_bpp() // component_size(layer))
    kind = component(layer)
    if kind.startswith("u"):
        return random.randbytes(count * component_size(layer))
    if kind == "half":  # 0x0000 … 0x3C00 are all halves from 0 to 1
        return array.array("H", [random.randrange(0x3C01) for _ in range(count)]).tobytes()
    return array.array({"float": "f", "double": "d"}[kind], [random.random() for _ in range(count)]).tobytes()


def component_size(layer):
    return {"u8": 1, "u16": 2, "u32": 4, "half": 2, "float": 4, "double": 8}[component(layer)]


def whole(drawable):
    return Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())


def pixels(drawable, name=None):
    rectangle, name = whole(drawable), name or native(drawable)
    return drawable.get_buffer().get(rectangle, 1.0, name, Gegl.AbyssPolicy.NONE)


def put(drawable, raw):
    buffer = drawable.get_buffer()
    buffer.set(whole(drawable), native(drawable), raw)
    buffer.flush()


def perceptual(layer):
    """Return the colours as floats on sRGB's tone curve, in the layer's own space, without alpha."""
    model = "Y~" if layer.is_gray() else "R~G~B~"
    name = Babl.get_name(Babl.format_with_space(model + " float", Babl.format_get_space(layer.get_format())))
    return array.array("f", pixels(layer, name))


def alpha_of(layer, raw):
    size, pixel = component_size(layer), layer.get_bpp()
    return [raw[start::pixel] for start in range(pixel - size, pixel)]


def selected(image, layer):
    """Return how much each pixel of the layer is selected, 0 to 1."""
    _, left, top = layer.get_offsets()
    rectangle = Gegl.Rectangle.new(left, top, layer.get_width(), layer.get_height())
    mask = image.get_selection().get_buffer().get(rectangle, 1.0, "Y float", Gegl.AbyssPolicy.NONE)
    return array.array("f", mask)


def engine(mode):
    """Let the plug-in use the fake engine in one of its modes, or `real`."""
    command = [os.environ["CHECK_PYTHON"], os.environ["CHECK_FAKE"], mode]
    if mode == "real":
        command = json.loads(os.environ["CHECK_ENGINE"])
    engine_file({"command": command})


def engine_file(content):
    path = Path(PLUGIN, "engine.json")
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_text(json.dumps(content), encoding="utf-8")


def call(image, drawables, run_mode=Gimp.RunMode.NONINTERACTIVE, **values):
    """Call the procedure; return its status and message."""
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    config = procedure.create_config()
    config.set_property("run-mode", run_mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for name, value in values.items():
        config.set_property(name.replace("_", "-"), value)
    result = procedure.run(config)
    status = result.index(0)
    return status.value_nick, "" if status.value_nick == "success" else Gimp.get_pdb().get_last_error()


def dream(image, layer, **values):
    """Dream and expect success."""
    values.setdefault("result", "in-place")
    answer = call(image, [layer], **values)
    assert answer[0] == "success", answer


def refused(image, drawables, *parts, **values):
    """Expect an error whose message has these parts, and an image that knows nothing of it."""
    before = [(layer.get_id(), layer.get_name()) for layer in image.get_layers()]
    image.clean_all()
    status, message = call(image, drawables, **values)
    assert status == "execution-error", (status, message)
    for part in parts:
        assert part in message, message
    assert not image.is_dirty()
    assert [(layer.get_id(), layer.get_name()) for layer in image.get_layers()] == before
    return message


def called():
    """Return kind, height, width, channels and opaque pixels of the last frame that the fake engine got."""
    return tuple(_last_call()[0])


def words():
    """Return the words that the fake engine was called with last."""
    return _last_call()[1:]


def _last_call():
    calls = Path(os.environ["FAKE_ENGINE_WORDS"]).read_text(encoding="utf-8")
    return json.loads(calls.splitlines()[-1])


def inverted(layer, before, before_perceptual, where=None):
    """Check that the colours are the engine's: where `where` is 1, or everywhere."""
    if component(layer) == "u8" and "~" not in native(layer) and "'" in native(layer):
        count, colours = layer.get_bpp(), layer.get_bpp() - layer.has_alpha()
        after = pixels(layer)
        for channel in range(colours):
            old, new = before[channel::count], after[channel::count]
            share = where or [1.0] * len(old)
            assert all(n == 255 - o for o, n, s in zip(old, new, share) if s == 1.0), "not exactly inverted"
        return
    after, colours = perceptual(layer), 1 if layer.is_gray() else 3
    limit = TOLERANCE[component(layer)]
    if (
        "linear" in layer.get_image().get_precision().value_nick
        and "non" not in layer.get_image().get_precision().value_nick
    ):
        # The tone curve is twelve times as steep at black.
        limit *= 13
    for at, (old, new) in enumerate(zip(before_perceptual, after)):
        if where is None or where[at // colours] == 1.0:
            assert abs(new - (1.0 - old)) <= limit, (at, old, new, limit)


def untouched(layer, before, mask):
    """Check that the pixels where the mask is 0 are the same bit for bit."""
    after, size = pixels(layer), layer.get_bpp()
    wrong = [
        at for at, share in enumerate(mask)
        if share == 0.0 and before[at * size : (at + 1) * size] != after[at * size : (at + 1) * size]
    ]  # fmt: skip
    assert not wrong, f"{len(wrong)} unselected pixels changed"


# The checks


def check_procedure_is_there():
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    assert procedure.get_image_types() == "RGB*, GRAY*"
    assert procedure.get_menu_paths() == ["<Image>/Filters"], procedure.get_menu_paths()
    names = [argument.get_name() for argument in procedure.get_arguments()]
    assert names[:3] == ["run-mode", "image", "drawables"], names
    promised = [
        "preset", "step-size", "octaves", "min-size", "iterations",
        "mixed0", "mixed1", "mixed2", "mixed3", "mixed4", "mixed5",
        "octave-scale", "max-loss", "jitter", "smooth", "total-variation", "stay-close", "blend", "feather",
        "seed", "clip", "keep-colours", "channels", "device", "fit-selection", "result",
    ]  # fmt: skip
    assert [name for name in names[3:] if name in promised] == promised, names
    sys.path.insert(0, PLUGIN)
    from deepdream_common import parameters

    assert names[3:] == [parameter.name for parameter in parameters.PARAMETERS], names


def check_every_precision_whole_layer():
    for precision, kind, alpha in zip(
        PRECISIONS, itertools.cycle((RGB, RGB, GRAY)), itertools.cycle((True, False))
    ):
        with picture(kind, alpha, precision) as (image, layer):
            before, floats = pixels(layer), perceptual(layer)
            dream(image, layer)
            inverted(layer, before, floats)
            if alpha:
                assert alpha_of(layer, before) == alpha_of(layer, pixels(layer)), precision


def check_every_precision_feathered_selection():
    for precision, kind in zip(PRECISIONS, itertools.cycle((RGB, GRAY, RGB))):
        with picture(kind, True, precision, canvas=(100, 90)) as (image, layer):
            before, floats = pixels(layer), perceptual(layer)
            image.select_ellipse(Gimp.ChannelOps.REPLACE, 15, 12, 60, 60)
            Gimp.Selection.feather(image, 6.0)
            mask = selected(image, layer)
            assert {0.0, 1.0} < set(mask)
            dream(image, layer)
            untouched(layer, before, mask)
            assert alpha_of(layer, before) == alpha_of(layer, pixels(layer)), precision
            inverted(layer, before, floats, mask)


def check_feathering_blends():
    with picture(canvas=(100, 90), alpha=False) as (image, layer):
        put(layer, b"\0" * len(pixels(layer)))
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 15, 12, 60, 60)
        Gimp.Selection.feather(image, 10.0)
        dream(image, layer)
        values = set(pixels(layer)[45 * 300 : 46 * 300 : 3])
        assert {0, 255} < values
        assert len(values) > 6, values


def check_frames_are_as_small_as_they_can_be():
    linear = Gimp.ColorProfile.new_rgb_srgb_linear()
    for precision, kind, alpha, profile, wanted in (
        (P.U8_NON_LINEAR, RGB, True, None, ("|u1", 4)),
        (P.U8_NON_LINEAR, RGB, False, Gimp.ColorProfile.new_rgb_adobe(), ("|u1", 3)),
        (P.U8_NON_LINEAR, GRAY, False, None, ("|u1", 1)),
        (P.U8_NON_LINEAR, GRAY, True, None, ("|u1", 2)),
        (P.U8_NON_LINEAR, RGB, False, linear, ("<f4", 3)),
        (P.U8_LINEAR, RGB, False, None, ("<f4", 3)),
        (P.U16_NON_LINEAR, GRAY, True, None, ("<f4", 2)),
    ):
        with picture(kind, alpha, precision) as (image, layer):
            if profile:
                image.set_color_profile(profile)
            dream(image, layer)
            assert (called()[0], called()[3]) == wanted, (precision, kind, alpha, called())


def check_more_than_8_bits_survive():
    for precision in (P.U16_NON_LINEAR, P.U16_LINEAR, P.FLOAT_LINEAR, P.FLOAT_NON_LINEAR):
        with picture(RGB, False, precision) as (image, layer):
            dream(image, layer)
            assert len(set(perceptual(layer))) > 5000, precision


def check_engine_that_changes_nothing_changes_nothing():
    engine("same")
    for precision in (P.U8_NON_LINEAR, P.U8_PERCEPTUAL, P.U16_NON_LINEAR, P.FLOAT_NON_LINEAR):
        for profile in (None, Gimp.ColorProfile.new_rgb_adobe()):
            with picture(RGB, True, precision) as (image, layer):
                if profile:
                    image.set_color_profile(profile)
                before, floats = pixels(layer), perceptual(layer)
                dream(image, layer)
                if precision in (P.U8_NON_LINEAR, P.U8_PERCEPTUAL):
                    assert pixels(layer) == before, (precision, profile)
                limit = TOLERANCE[component(layer)]
                off = max(abs(a - b) for a, b in zip(floats, perceptual(layer)))
                assert off < limit, (precision, profile, off)


def check_colour_profiles():
    linear = Gimp.ColorProfile.new_rgb_srgb_linear()
    for profile in (Gimp.ColorProfile.new_rgb_adobe(), linear):
        for precision in (P.U8_NON_LINEAR, P.U16_NON_LINEAR, P.FLOAT_LINEAR):
            with picture(RGB, True, precision) as (image, layer):
                assert image.set_color_profile(profile)
                before = pixels(layer)
                image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 40, 40)
                mask = selected(image, layer)
                dream(image, layer)
                untouched(layer, before, mask)
                assert alpha_of(layer, before) == alpha_of(layer, pixels(layer))
                if profile is not linear:  # GIMP takes that one for its own
                    assert image.get_color_profile().is_equal(profile)


def check_layer_offset():
    with picture(canvas=(200, 180), size=(90, 80), at=(60, 50)) as (image, layer):
        before = pixels(layer)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 70, 60, 30, 20)
        dream(image, layer)
        after = pixels(layer)
        for y in range(80):
            for x in range(90):
                at = (y * 90 + x) * 4
                inside = 10 <= x < 40 and 10 <= y < 30
                assert (before[at : at + 4] != after[at : at + 4]) == inside or not inside, (x, y)
                if not inside:
                    assert before[at : at + 4] == after[at : at + 4], (x, y)
                else:
                    assert after[at] == 255 - before[at], (x, y)


def check_layer_larger_than_the_canvas():
    with picture(canvas=(60, 60), size=(160, 140), at=(-50, -40)) as (image, layer):
        before, floats = pixels(layer), perceptual(layer)
        dream(image, layer)
        inverted(layer, before, floats)
        put(layer, before)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 5, 5, 30, 30)
        mask = selected(image, layer)
        dream(image, layer)
        untouched(layer, before, mask)
        inverted(layer, before, floats, mask)


def check_layer_smaller_than_the_canvas():
    with picture(canvas=(300, 200), size=(70, 64), at=(200, 100)) as (image, layer):
        before, floats = pixels(layer), perceptual(layer)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 300, 120)
        mask = selected(image, layer)
        dream(image, layer)
        untouched(layer, before, mask)
        inverted(layer, before, floats, mask)
        assert layer.get_width(), layer.get_height() == (70, 64)


def check_small_selection_is_dreamed_with_its_surroundings():
    with picture(canvas=(400, 400)) as (image, layer):
        before = pixels(layer)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 200, 200, 5, 5)
        mask = selected(image, layer)
        dream(image, layer)
        untouched(layer, before, mask)
        assert sum(mask) == 25
        assert 59 < called()[1] < 400
        assert called()[1] == called()[2]
        Gimp.Selection.none(image)
        dream(image, layer)
        assert called()[1:3] == (400, 400)


def check_layer_mask():
    with picture() as (image, layer):
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        put(mask, random_pixels(mask))
        layer.set_edit_mask(False)
        of_mask, before, floats = pixels(mask), pixels(layer), perceptual(layer)
        dream(image, layer)
        assert pixels(mask) == of_mask
        inverted(layer, before, floats)
        dream(image, layer, result="new-layer")
        copy = image.get_selected_layers()[0]
        assert pixels(copy.get_mask()) == of_mask
        assert pixels(mask) == of_mask


def check_new_layer():
    with picture(canvas=(100, 90)) as (image, layer):
        add_layer(image, True, (100, 90), name="Above")
        before, floats = pixels(layer), perceptual(layer)
        layer.set_opacity(40.0)
        answer = call(image, [layer])
        assert answer == ("success", ""), answer
        assert [each.get_name() for each in image.get_layers()] == ["Above", "Sky dream", "Sky"]
        copy = image.get_layers()[1]
        assert image.get_selected_layers() == [copy]
        assert pixels(layer) == before
        inverted(copy, before, floats)
        assert alpha_of(copy, before) == alpha_of(copy, pixels(copy))
        assert copy.get_opacity() == layer.get_opacity()


def check_new_layer_of_an_offset_layer_with_selection():
    with picture(canvas=(200, 180), size=(90, 80), at=(60, 50), precision=P.U16_LINEAR) as (image, layer):
        before, floats = pixels(layer), perceptual(layer)
        image.select_ellipse(Gimp.ChannelOps.REPLACE, 70, 60, 40, 40)
        mask = selected(image, layer)
        dream(image, layer, result="new-layer")
        copy = image.get_layers()[0]
        assert list(copy.get_offsets())[1:] == [60, 50]
        assert pixels(layer) == before
        untouched(copy, before, mask)
        inverted(copy, before, floats, mask)


def check_layer_in_a_group():
    with picture() as (image, _):
        group = Gimp.GroupLayer.new(image, "Group")
        image.insert_layer(group, None, 0)
        layer = add_layer(image, True, (WIDTH, HEIGHT), name="Inside", parent=group)
        dream(image, layer, result="new-layer")
        assert [each.get_name() for each in group.get_children()] == ["Inside dream", "Inside"]
        refused(image, [group], "layer groups", "Select one layer")


def check_locks():
    with picture(canvas=(100, 90)) as (image, layer):
        before, floats = pixels(layer), perceptual(layer)
        layer.set_lock_alpha(True)
        dream(image, layer)
        inverted(layer, before, floats)
        assert alpha_of(layer, before) == alpha_of(layer, pixels(layer))
        put(layer, before)
        layer.set_lock_content(True)
        refused(image, [layer], "locked", "new layer", result="in-place")
        assert pixels(layer) == before
        dream(image, layer, result="new-layer")
        copy = image.get_layers()[0]
        assert not copy.get_lock_content()
        inverted(copy, before, floats)


def check_not_a_layer():
    with picture() as (image, layer):
        second = add_layer(image, True, (WIDTH, HEIGHT))
        refused(image, [layer, second], "Select one layer.")
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        refused(image, [mask], "not on their masks")
        channel = Gimp.Channel.new(image, "Channel", WIDTH, HEIGHT, 50.0, Gegl.Color.new("red"))
        image.insert_channel(channel, None, 0)
        refused(image, [channel], "not on channels")


def check_indexed_is_refused_by_gimp():
    with picture(alpha=False) as (image, layer):
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, ""
        )
        status, message = call(image, [layer])
        assert status != "success", message


def check_too_small():
    with picture(canvas=(300, 40)) as (image, layer):
        refused(image, [layer], "too small", "300 × 40", "59")


def check_nothing_selected_of_the_layer():
    with picture(canvas=(300, 100), size=(80, 80)) as (image, layer):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 200, 0, 50, 50)
        refused(image, [layer], "Nothing of the layer is selected")


def check_thumbnail():
    sys.path.insert(0, PLUGIN)
    from pixels import Rectangle
    from thumbnail import Thumbnail

    for size, wanted, shown in (
        ((896, 672), (448, 336), (224, 168)),
        ((80, 70), (80, 70), (80, 70)),
        ((1800, 100), (448, 59), (224, 30)),
    ):
        for kind, channels in ((RGB, 4), (GRAY, 2)):
            with picture(kind, True, canvas=size) as (image, layer):
                small = Thumbnail(image, layer, Rectangle(0, 0, *size))
                assert (small.frame.width, small.frame.height, small.frame.channels) == (*wanted, channels)
                assert small.shown == shown, small.shown
                assert len(small.frame.pixels) == wanted[0] * wanted[1] * channels
                assert len(small.rgba(small.frame.pixels)) == wanted[0] * wanted[1] * 4
    with picture(canvas=(600, 600), size=(896, 896), at=(-200, -100)) as (image, layer):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 60, 200, 200)
        small = Thumbnail(image, layer, Rectangle(0, 0, 896, 896))
        dreamed = bytes(255 - value for value in small.frame.pixels)
        mixed = small.within_selection(dreamed)
        for y in range(0, 448, 3):
            for x in range(0, 448, 3):
                at = (y * 448 + x) * 4
                if 121 < x < 219 and 81 < y < 179:
                    assert mixed[at : at + 3] == dreamed[at : at + 3], (x, y)
                    assert mixed[at + 3] == small.frame.pixels[at + 3], (x, y)
                elif not (118 < x < 222 and 78 < y < 182):
                    assert mixed[at : at + 4] == small.frame.pixels[at : at + 4], (x, y)


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
        dream(image, layer, device="cpu", seed=2147483647, keep_colours=True, **look, **layers, **channels)
        assert words()[5:] == [
            "--preset", "dream", "--device", "cpu", "--step", "0.021", "--octaves", "2", "--min-size", "none",
            "--iterations", "7", "--octave-scale", "1.55", "--max-loss", "8.5", "--seed", "2147483647",
            "--keep-colours", "--layers", "mixed0=1.25,mixed3=0.55,mixed4=2.35,mixed4:12+40=0.5",
        ], words()  # fmt: skip


def check_preset_counts_for_what_a_script_leaves_out():
    with picture() as (image, layer):
        dream(image, layer, preset="classic", iterations=7)
        assert words()[5:] == ["--preset", "classic", "--device", "auto", "--iterations", "7"], words()
        settings = recipe(layer)["settings"]
        assert settings["layers"] == {"mixed4": 1.0}, settings
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
    from thumbnail import Thumbnail

    with picture(canvas=(896, 896), alpha=False) as (image, layer):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 200, 200, 200, 200)
        small = Thumbnail(image, layer, Rectangle(0, 0, 896, 896))
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


def check_last_values():
    with picture() as (image, layer):
        assert call(image, [layer], Gimp.RunMode.WITH_LAST_VALS) == ("success", "")
        assert "--layers" in words()


def check_bad_parameters():
    with picture() as (image, layer):
        none = {f"mixed{number}": 0.0 for number in range(6)}
        refused(image, [layer], "Every layer is at 0", channels="", **none)
        for name, value in (
            ("octaves", 0),
            ("octaves", 21),
            ("step-size", 2.0),
            ("mixed4", 1e9),
            ("device", "abacus"),
        ):
            # GIMP says so on stderr, and goes on with the default or the nearest value.
            status, message = call(image, [layer], **{name.replace("-", "_"): value})
            assert status in ("success", "calling-error"), (name, value, status, message)
            if status == "success":
                assert str(value) not in words(), words()
        with contextlib.suppress(TypeError):
            call(image, [layer], octaves="many")
            raise AssertionError("a word for a number")


def check_missing_engine():
    with picture() as (image, layer):
        engine_file(None)
        refused(image, [layer], "does not know where", "deepdream-gimp install")
        engine_file({"command": ["/nowhere/python", "-m", "engine"]})
        refused(image, [layer], "/nowhere/python", "install")
        engine_file({"command": [os.environ["CHECK_FAKE"]]})  # not executable
        refused(image, [layer], "can't be started")


def check_broken_engine():
    with picture() as (image, layer):
        before = pixels(layer)
        for mode, *parts in (
            ("crash", "failed", "deepdream.log"),
            ("garbage", "went wrong"),
            ("half", "went wrong"),
            ("nothing", "without a picture"),
            ("refuse", "There is no CUDA device.", "Choose the processor."),
        ):
            engine(mode)
            for result in ("in-place", "new-layer"):
                refused(image, [layer], *parts, result=result)
            assert pixels(layer) == before
        log = Path(Gimp.directory(), "deepdream.log").read_text(encoding="utf-8")
        assert "the last words of the engine" in log


def check_unexpected_error():
    engine_file({"command": [os.environ["CHECK_PYTHON"], os.environ["CHECK_FAKE"], "same\0"]})
    with picture() as (image, layer):
        refused(image, [layer], "can't be started")


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


def check_real_engine_says_what_is_wrong():
    engine("real")
    with picture() as (image, layer):
        message = refused(image, [layer], device="cuda")
        assert "CUDA" in message or "cuda" in message, message
        assert "\n" in message, "no way out: " + message


def check_no_process_is_left():
    time.sleep(0.3)
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    left = [line for line in found.splitlines() if " pipe " in line or "deepdream.py" in line]
    assert not left, left


def main():
    Gegl.init(None)
    with Path(os.environ["CHECK_REPORT"]).open("w", encoding="utf-8") as report:
        for name, function in list(globals().items()):
            if not name.startswith("check_") or os.environ.get("CHECK_ONLY", "") not in name:
                continue
            random.seed(zlib.crc32(name.encode()))
            begun, problem = time.monotonic(), ""
            try:
                engine("invert")
                function()
            except Exception:
                problem = traceback.format_exc()
            line = {"name": name, "problem": problem, "seconds": round(time.monotonic() - begun, 2)}
            report.write(json.dumps(line) + "\n")
            report.flush()


main()
