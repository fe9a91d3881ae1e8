"""Checks without a screen: what is dreamed on, as it is seen.

The outside truth is GIMP's own projection of a copy of the image in which nothing else is visible.
"""

import sys
from pathlib import Path

from gi.repository import Gimp, Gio
from headless_eyes import (
    MULTIPLY,
    NORMAL,
    add_effect,
    add_mask,
    group_of,
    layers_of,
    names,
    negative,
    place,
    resembles,
    rgba,
    seen,
)
from headless_hands import (
    HEIGHT,
    PLUGIN,
    WIDTH,
    P,
    alpha_of,
    called,
    dream,
    here,
    picture,
    pixels,
    put,
    refused,
    words,
)

sys.path.insert(0, PLUGIN)


def check_layer_is_dreamed_on_with_its_effects():
    with picture(canvas=(120, 110), size=(90, 80), at=(20, 10)) as (image, layer):
        add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
        add_effect(layer, "gegl:invert-gamma")
        add_effect(layer, "gegl:pixelize").set_visible(False)
        layer.set_mode(MULTIPLY)
        layer.set_opacity(40.0)
        before, wanted, effects = pixels(layer), seen(image, layer, place(layer)), names(layer)
        assert here(image, [layer])[0] == "success"
        copy = image.get_layers()[0]
        assert layers_of(image) == ["Sky dream", "Sky"]
        resembles(rgba(copy, (0, 0, 90, 80)), negative(wanted))
        assert (copy.get_mode(), copy.get_opacity(), names(copy)) == (NORMAL, 100.0, [])
        assert (place(copy), pixels(layer), names(layer)) == (place(layer), before, effects)
        log = Path(Gimp.directory(), "deepdream.log").read_text(encoding="utf-8")
        assert "with its effects (gegl:invert-gamma, gegl:gaussian-blur)" in log, log
        assert here(image, [layer], result_mode="layer")[0] == "success"
        copy = image.get_layers()[1]
        assert (copy.get_mode(), copy.get_opacity()) == (MULTIPLY, 40.0)


def check_effects_in_place_are_not_applied_twice():
    for precision in (P.U8_NON_LINEAR, P.FLOAT_LINEAR):
        with picture(canvas=(120, 110), size=(90, 80), at=(20, 10), precision=precision) as (image, layer):
            add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
            layer.set_opacity(40.0)
            wanted = seen(image, layer, place(layer))
            image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 20, 30, 40)
            dream(image, layer)
            after, old, new = rgba(layer, (0, 0, 90, 80)), bytearray(wanted), negative(wanted)
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
            wanted = seen(image, layer, place(copy)) if result == "new-layer" else None
            if wanted is not None and x < 100:  # GIMP 3.0 cuts off what is left and above, or all is well
                resembles(rgba(copy, (0, 0, width, height)), negative(wanted))
            mask = rgba(copy.get_mask(), (100 - x, 90 - y, 90, 80)) if result == "new-layer" else None
            assert mask is None or mask == rgba(layer.get_mask(), (0, 0, 90, 80))


def check_group_is_one_picture():
    with picture(canvas=(150, 120)) as (image, _):
        group = group_of(image)
        add_effect(group, "gegl:invert-gamma")
        add_mask(group)
        wanted = seen(image, group, (0, 0, 150, 120))
        image.clean_all()
        assert here(image, [group])[0] == "success"
        assert layers_of(image) == ["Group dream", "Group", "Sky"]
        copy = image.get_layers()[0]
        x, y, _, _ = place(copy)
        resembles(rgba(copy, (-x, -y, 150, 120)), negative(wanted))
        assert place(copy) == place(group)
        assert pixels(copy.get_mask()) == pixels(group.get_mask())
        assert (copy.get_opacity(), copy.get_mode()) == (100.0, NORMAL)
        assert [each.get_name() for each in group.get_children()] == ["Hidden", "High", "Low"]


def check_group_in_place_is_one_layer():
    with picture(canvas=(150, 120)) as (image, _):
        group = group_of(image)
        wanted = seen(image, group, (0, 0, 150, 120))
        dream(image, group)
        assert layers_of(image) == ["Group", "Sky"]
        layer = image.get_layers()[0]
        assert not layer.is_group_layer()
        assert layer.get_opacity() == 40.0
        x, y, _, _ = place(layer)
        resembles(rgba(layer, (-x, -y, 150, 120)), negative(wanted))
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
        wanted = seen(image, low, (0, 0, 150, 120))
        image.set_selected_layers([group])
        assert here(image, [group], groups="each")[0] == "success"
        inside = [each.get_name() for each in group.get_children()]
        assert inside == ["Hidden dream", "Hidden", "High dream", "High", "Low dream", "Low"], inside
        copy = group.get_children()[4]
        x, y, _, _ = place(copy)
        resembles(rgba(copy, (-x, -y, 150, 120)), negative(wanted))
        assert layers_of(image) == ["Group", "Sky"]
        assert pixels(sky) == of_sky


def check_link_becomes_pixels():
    if not hasattr(Gimp, "LinkLayer"):  # GIMP 3.0
        return
    path = str(Path(Gimp.directory(), "linked.png"))
    with picture(alpha=False) as (image, _):
        Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, Gio.File.new_for_path(path), None)
        link = Gimp.LinkLayer.new(image, Gio.File.new_for_path(path))
        image.insert_layer(link, None, 0)
        before = rgba(link, (0, 0, WIDTH, HEIGHT))
        dream(image, link, result="new-layer")
        copy = image.get_layers()[0]
        assert (rgba(copy, (0, 0, WIDTH, HEIGHT)), type(copy)) == (negative(before), Gimp.Layer)
        assert not link.is_rasterized()
        dream(image, link)
        assert link.is_rasterized(), "GIMP would render the file again"
        assert rgba(link, (0, 0, WIDTH, HEIGHT)) == negative(before)


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
        status, message = here(image, [layer], mask="beard")
        assert status == "execution-error", (status, message)


def check_thumbnail_is_what_is_seen():
    from deepdream_common import parameters
    from pixels import Rectangle
    from subject import Subject
    from thumbnail import Thumbnail

    with picture(canvas=(160, 120)) as (image, layer):
        add_effect(layer, std_dev_x=3.0, std_dev_y=3.0)
        add_mask(layer, 0.5)
        wanted = seen(image, layer, (0, 0, 160, 120))
        image.clean_all()
        small = Thumbnail(Subject(image, layer), Rectangle(0, 0, 160, 120))
        resembles(small.frame.pixels, wanted)
        values = dict(parameters.DEFAULTS)
        assert "--mask" not in small.sent(values)[0]
        options, frame = small.sent({**values, "mask": "layer-mask"})
        assert "--mask" in options
        assert sum(1 for value in frame.pixels[3::4] if value) == 80 * 120
        resembles(small.within_selection(negative(frame.pixels)), negative(wanted))
        assert not image.is_dirty()
        group = group_of(image)
        wanted = seen(image, group, (0, 0, 150, 110))
        subject = Subject(image, group)
        small = Thumbnail(subject, Rectangle(-subject.x, -subject.y, 150, 110))
        resembles(small.frame.pixels, wanted)
