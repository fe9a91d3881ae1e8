"""Checks without a screen: what is dreamed on, as it is seen, and where the result goes.

The outside truth is GIMP's own projection of a copy of the image in which nothing else is visible.
"""

import json
import sys
from pathlib import Path

from gi.repository import Gegl, Gimp, Gio
from headless_hands import (
    GRAY,
    HEIGHT,
    PLUGIN,
    PROCEDURE,
    RGB,
    WIDTH,
    P,
    add_layer,
    alpha_of,
    call,
    called,
    dream,
    engine,
    inverted,
    perceptual,
    picture,
    pixels,
    put,
    random_pixels,
    refused,
    scheme,
    scheme_call,
    words,
)

sys.path.insert(0, PLUGIN)
MULTIPLY, NORMAL = Gimp.LayerMode.MULTIPLY, Gimp.LayerMode.NORMAL


def add_effect(layer, operation="gegl:gaussian-blur", **values):
    effect = Gimp.DrawableFilter.new(layer, operation, operation)
    for name, value in values.items():
        effect.get_config().set_property(name.replace("_", "-"), value)
    layer.append_filter(effect)
    return effect


def names(layer):
    return [effect.get_name() for effect in layer.get_filters()]


def add_mask(layer, share=None):
    """Give a layer a mask with random shares, or one that is white on the left part only."""
    mask = layer.create_mask(Gimp.AddMaskType.WHITE)
    layer.add_mask(mask)
    width, height = mask.get_width(), mask.get_height()
    raw = random_pixels(mask)
    if share is not None:
        raw = (b"\xff" * round(width * share) + b"\0" * (width - round(width * share))) * height
    put(mask, raw)
    layer.set_edit_mask(False)
    return raw


def seen(image, layer, where):
    """Return what GIMP shows of a layer by itself, at a rectangle of the canvas."""
    path, item = [], layer
    while item is not None:
        path.insert(0, image.get_item_position(item))
        item = item.get_parent()
    copy = image.duplicate()
    try:
        siblings = copy.get_layers()
        for position in path:
            for number, other in enumerate(siblings):
                other.set_visible(number == position)
            item = siblings[position]
            item.set_mode(NORMAL)
            item.set_opacity(100.0)
            siblings = item.get_children() if item.is_group_layer() else []
        if item.get_mask() is not None:
            item.remove_mask(Gimp.MaskApplyMode.DISCARD)
        return _bytes(Gimp.Layer.new_from_visible(copy, copy, "seen"), where)
    finally:
        copy.delete()


def _bytes(layer, where):
    return layer.get_buffer().get(Gegl.Rectangle.new(*where), 1.0, "R'G'B'A u8", Gegl.AbyssPolicy.NONE)


def place(layer):
    _, x, y = layer.get_offsets()
    return x, y, layer.get_width(), layer.get_height()


def resembles(one, other, limit=1):
    """Check that two lists of RGBA pixels look the same."""
    assert len(one) == len(other)
    wrong = [
        at
        for at in range(0, len(one), 4)
        if (one[at + 3] or other[at + 3]) and max(abs(one[at + c] - other[at + c]) for c in range(4)) > limit
    ]
    assert not wrong, f"{len(wrong)} of {len(one) // 4} pixels differ, such as {wrong[0] // 4}"


def negative(raw):
    return bytes(255 - value if at % 4 < 3 else value for at, value in enumerate(raw))


def layers_of(image):
    return [each.get_name() for each in image.get_layers()]


def check_layer_is_dreamed_on_with_its_effects():
    with picture(canvas=(120, 110), size=(90, 80), at=(20, 10)) as (image, layer):
        add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
        add_effect(layer, "gegl:invert-gamma")
        add_effect(layer, "gegl:pixelize").set_visible(False)
        layer.set_mode(MULTIPLY)
        layer.set_opacity(40.0)
        before, shown, effects = pixels(layer), seen(image, layer, place(layer)), names(layer)
        assert call(image, [layer])[0] == "success"
        copy = image.get_layers()[0]
        assert layers_of(image) == ["Sky dream", "Sky"]
        resembles(_bytes(copy, (0, 0, 90, 80)), negative(shown))
        assert (copy.get_mode(), copy.get_opacity(), names(copy)) == (NORMAL, 100.0, [])
        assert (place(copy), pixels(layer), names(layer)) == (place(layer), before, effects)
        log = Path(Gimp.directory(), "deepdream.log").read_text(encoding="utf-8")
        assert "with its effects (gegl:invert-gamma, gegl:gaussian-blur)" in log, log
        assert call(image, [layer], result_mode="layer")[0] == "success"
        copy = image.get_layers()[1]
        assert (copy.get_mode(), copy.get_opacity()) == (MULTIPLY, 40.0)


def check_effects_in_place_are_not_applied_twice():
    for precision in (P.U8_NON_LINEAR, P.FLOAT_LINEAR):
        with picture(canvas=(120, 110), size=(90, 80), at=(20, 10), precision=precision) as (image, layer):
            add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
            layer.set_opacity(40.0)
            shown = seen(image, layer, place(layer))
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 20, 30, 40)
            dream(image, layer)
            after, old, new = _bytes(layer, (0, 0, 90, 80)), bytearray(shown), negative(shown)
            for y in range(10, 50):
                row = slice((y * 90 + 20) * 4, (y * 90 + 50) * 4)
                old[row] = new[row]
            resembles(after, bytes(old), limit=2)
            assert (names(layer), layer.get_opacity(), layers_of(image)) == ([], 40.0, ["Sky"])


def check_effect_that_makes_the_layer_larger():
    for result in ("new-layer", "in-place"):
        with picture(canvas=(300, 250), size=(90, 80), at=(100, 90)) as (image, layer):
            add_effect(layer, "gegl:dropshadow", x=20.0, y=20.0, radius=5.0)
            add_mask(layer)
            dream(image, layer, result=result)
            copy = image.get_layers()[0]
            x, y, width, height = place(copy)
            assert (width, height) > (90, 80), (width, height)
            assert called()[1:3] == (height, width)
            shown = seen(image, layer, place(copy)) if result == "new-layer" else None
            if shown is not None and x < 100:  # GIMP 3.0 cuts off what is left and above, or all is well
                resembles(_bytes(copy, (0, 0, width, height)), negative(shown))
            mask = _bytes(copy.get_mask(), (100 - x, 90 - y, 90, 80)) if result == "new-layer" else None
            assert mask is None or mask == _bytes(layer.get_mask(), (0, 0, 90, 80))


def group_of(image, opacity=40.0):
    """Return a group of two layers, partly outside of the canvas, with an effect each."""
    group = Gimp.GroupLayer.new(image, "Group")
    image.insert_layer(group, None, 0)
    low = add_layer(image, True, (100, 90), (-20, 20), "Low", group)
    high = add_layer(image, True, (70, 60), (40, -10), "High", group)
    hidden = add_layer(image, True, (60, 60), (90, 60), "Hidden", group)
    hidden.set_visible(False)
    high.set_mode(MULTIPLY)
    high.set_opacity(60.0)
    add_effect(low, "gegl:invert-gamma")
    group.set_opacity(opacity)
    return group


def check_group_is_one_picture():
    with picture(canvas=(150, 120)) as (image, _):
        group = group_of(image)
        add_effect(group, "gegl:invert-gamma")
        add_mask(group)
        shown = seen(image, group, (0, 0, 150, 120))
        image.clean_all()
        assert call(image, [group])[0] == "success"
        assert layers_of(image) == ["Group dream", "Group", "Sky"]
        copy = image.get_layers()[0]
        x, y, _, _ = place(copy)
        resembles(_bytes(copy, (-x, -y, 150, 120)), negative(shown))
        assert place(copy) == place(group)
        assert pixels(copy.get_mask()) == pixels(group.get_mask())
        assert (copy.get_opacity(), copy.get_mode()) == (100.0, NORMAL)
        assert [each.get_name() for each in group.get_children()] == ["Hidden", "High", "Low"]


def check_group_in_place_is_one_layer():
    with picture(canvas=(150, 120)) as (image, _):
        group = group_of(image)
        shown = seen(image, group, (0, 0, 150, 120))
        dream(image, group)
        assert layers_of(image) == ["Group", "Sky"]
        layer = image.get_layers()[0]
        assert not layer.is_group_layer()
        assert layer.get_opacity() == 40.0
        x, y, _, _ = place(layer)
        resembles(_bytes(layer, (-x, -y, 150, 120)), negative(shown))
        empty = Gimp.GroupLayer.new(image, "Empty")
        image.insert_layer(empty, None, 0)
        refused(image, [empty], "empty")
        refused(image, [empty], "empty", groups="each")
        group = group_of(image)
        group.get_children()[2].set_lock_content(True)
        refused(image, [group], "locked", result="in-place")


def check_each_layer_of_a_group():
    with picture(canvas=(150, 120)) as (image, sky):
        group = group_of(image)
        low, of_sky = group.get_children()[2], pixels(sky)
        shown = seen(image, low, (0, 0, 150, 120))
        image.set_selected_layers([group])
        assert call(image, [group], groups="each")[0] == "success"
        inside = [each.get_name() for each in group.get_children()]
        assert inside == ["Hidden dream", "Hidden", "High dream", "High", "Low dream", "Low"], inside
        copy = group.get_children()[4]
        x, y, _, _ = place(copy)
        resembles(_bytes(copy, (-x, -y, 150, 120)), negative(shown))
        assert layers_of(image) == ["Group", "Sky"]
        assert pixels(sky) == of_sky


def check_several_layers():
    with picture(canvas=(150, 120)) as (image, low):
        high = add_layer(image, True, (80, 70), (30, 20), "High")
        far = add_layer(image, True, (80, 70), (90, 20), "Far")
        before = [pixels(layer) for layer in (low, high, far)]
        image.clean_all()
        assert call(image, [low, high])[0] == "success"
        assert layers_of(image) == ["Far", "High dream", "High", "Sky dream", "Sky"]
        assert [pixels(layer) for layer in (low, high, far)] == before
        for name, old in (("Sky dream", before[0]), ("High dream", before[1])):
            (copy,) = (layer for layer in image.get_layers() if layer.get_name() == name)
            assert pixels(copy) == negative(old), name
        assert {layer.get_name() for layer in image.get_selected_layers()} == {"High dream", "Sky dream"}
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 80, 100)  # of Far there is nothing in it
        assert call(image, [far, high], result="in-place")[0] == "success"
        assert (pixels(high) != before[1], pixels(far) == before[2]) == (True, True)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 20, 10)
        refused(image, [far, high], "Nothing of the layer is selected")
        Gimp.Selection.none(image)
        small = add_layer(image, True, (30, 20), (0, 0), "Small")
        refused(image, [far, small], "Small", "too small")


def check_failure_of_one_of_several_changes_nothing():
    with picture() as (image, layer):
        second = add_layer(image, True, (WIDTH, HEIGHT), name="Second")
        before = pixels(layer), pixels(second)
        engine("crash")
        for result in ("new-layer", "in-place", "new-image"):
            count = len(Gimp.get_images())
            refused(image, [layer, second], result=result)
            assert (pixels(layer), pixels(second)) == before
            assert len(Gimp.get_images()) == count, "an image was left behind"


def check_new_image():
    for kind, precision in ((RGB, P.U16_LINEAR), (GRAY, P.U8_NON_LINEAR)):
        with picture(kind, True, precision, canvas=(200, 150), size=(90, 80), at=(60, 50)) as (image, layer):
            if kind is RGB:
                image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())
            image.set_resolution(123.0, 123.0)
            add_mask(layer)
            layer.set_opacity(30.0)
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 70, 60, 30, 20)
            image.clean_all()
            before, floats = pixels(layer), perceptual(layer)
            new = made(image, [layer], result="new-image")
            try:
                assert not image.is_dirty()
                assert new.get_id() != image.get_id()
                (copy,) = new.get_layers()
                assert (new.get_width(), new.get_height(), place(copy)) == (90, 80, (0, 0, 90, 80))
                assert (new.get_precision(), new.get_base_type()) == (precision, kind)
                assert list(new.get_resolution())[1:] == [123.0, 123.0]
                assert new.get_effective_color_profile().is_equal(image.get_effective_color_profile())
                assert (copy.get_name(), copy.get_opacity()) == ("Sky dream", 100.0)
                assert pixels(copy.get_mask()) == pixels(layer.get_mask())
                assert alpha_of(copy, pixels(copy)) == alpha_of(layer, before)
                assert json.loads(bytes(copy.get_parasite("deepdream-recipe").get_data()))["schema"]
                assert Gimp.Selection.is_empty(new)
                assert not new.get_channels()
                share = [1.0 if 10 <= x < 40 and 10 <= y < 30 else 0.0 for y in range(80) for x in range(90)]
                inverted(copy, before, floats, share)
                size = layer.get_bpp()
                after = pixels(copy)
                assert all(
                    share[at] or before[at * size : (at + 1) * size] == after[at * size : (at + 1) * size]
                    for at in range(90 * 80)
                )
            finally:
                new.delete()


def made(image, drawables, **values):
    """Dream and return the image that the procedure answers with."""
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    config = procedure.create_config()
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for name, value in values.items():
        config.set_property(name.replace("_", "-"), value)
    answer = procedure.run(config)
    assert answer.index(0).value_nick == "success", Gimp.get_pdb().get_last_error()
    return answer.index(1)


def check_the_answer_is_the_image():
    with picture() as (image, layer):
        assert made(image, [layer]).get_id() == image.get_id()
        answer = scheme(
            f"(if (not (= {image.get_id()} (car {scheme_call(image, layer, '')}))) (error 'other))"
        )
        assert answer == ("success", ""), answer


def check_several_layers_make_one_new_image():
    with picture(canvas=(150, 120)) as (image, low):
        high = add_layer(image, True, (80, 70), (100, 80), "High")
        new = made(image, [high, low], result="new-image", result_mode="layer")
        try:
            assert (new.get_width(), new.get_height()) == (180, 150)
            assert [(x.get_name(), place(x)) for x in new.get_layers()] == [
                ("High dream", (100, 80, 80, 70)),
                ("Sky dream", (0, 0, 150, 120)),
            ]
            assert pixels(new.get_layers()[0]) == negative(pixels(high))
        finally:
            new.delete()


def check_indexed_image_becomes_a_new_one():
    with picture(alpha=False) as (image, _):
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, ""
        )
        (layer,) = image.get_layers()
        shown = seen(image, layer, place(layer))
        refused(image, [layer], "indexed images", "Image > Mode > RGB", "new image")
        new = made(image, [layer], result="new-image")
        try:
            assert (new.get_base_type(), image.get_base_type()) == (RGB, Gimp.ImageBaseType.INDEXED)
            resembles(_bytes(new.get_layers()[0], (0, 0, WIDTH, HEIGHT)), negative(shown))
        finally:
            new.delete()


def check_link_becomes_pixels():
    if not hasattr(Gimp, "LinkLayer"):  # GIMP 3.0
        return
    path = str(Path(Gimp.directory(), "linked.png"))
    with picture(alpha=False) as (image, _):
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
        link = Gimp.LinkLayer.new(image, Gio.File.new_for_path(path))
        image.insert_layer(link, None, 0)
        before = _bytes(link, (0, 0, WIDTH, HEIGHT))
        dream(image, link, result="new-layer")
        copy = image.get_layers()[0]
        assert (_bytes(copy, (0, 0, WIDTH, HEIGHT)), type(copy)) == (negative(before), Gimp.Layer)
        assert not link.is_rasterized()
        dream(image, link)
        assert link.is_rasterized(), "GIMP would render the file again"
        assert _bytes(link, (0, 0, WIDTH, HEIGHT)) == negative(before)


def check_layer_mask_is_what_the_dream_fits():
    with picture(canvas=(160, 120)) as (image, layer):
        before = pixels(layer)
        raw = add_mask(layer, 0.5)
        dream(image, layer, mask="layer-mask")
        assert called()[3:] == (4, 80 * 120), called()
        assert "--mask" in words()
        assert pixels(layer.get_mask()) == raw
        assert alpha_of(layer, pixels(layer)) == alpha_of(layer, before)
        put(layer, before)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 70, 10, 60, 100)
        dream(image, layer, mask="layer-mask")
        assert called()[4] == 10 * 100, called()
        for values in ({"mask": "none"}, {"fit_selection": False}):
            dream(image, layer, **values)
            assert "--mask" not in words()
        Gimp.Selection.none(image)
        layer.remove_mask(Gimp.MaskApplyMode.DISCARD)
        dream(image, layer, mask="layer-mask")  # there is none
        assert "--mask" not in words()
        add_mask(layer, 0.0)
        refused(image, [layer], "Nothing of the layer is selected", mask="layer-mask")
        status, message = call(image, [layer], mask="beard")
        assert status == "execution-error", (status, message)


def check_thumbnail_is_what_is_seen():
    from deepdream_common import parameters
    from pixels import Rectangle
    from subject import Subject
    from thumbnail import Thumbnail

    with picture(canvas=(160, 120)) as (image, layer):
        add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
        add_mask(layer, 0.5)
        shown = seen(image, layer, (0, 0, 160, 120))
        image.clean_all()
        small = Thumbnail(Subject(image, layer), Rectangle(0, 0, 160, 120))
        resembles(small.frame.pixels, shown)
        values = dict(parameters.DEFAULTS)
        assert "--mask" not in small.sent(values)[0]
        options, frame = small.sent({**values, "mask": "layer-mask"})
        assert "--mask" in options
        assert sum(1 for value in frame.pixels[3::4] if value) == 80 * 120
        resembles(small.within_selection(negative(frame.pixels)), negative(shown))
        assert not image.is_dirty()
        group = group_of(image)
        shown = seen(image, group, (0, 0, 150, 110))
        subject = Subject(image, group)
        small = Thumbnail(subject, Rectangle(-subject.x, -subject.y, 150, 110))
        resembles(small.frame.pixels, shown)
