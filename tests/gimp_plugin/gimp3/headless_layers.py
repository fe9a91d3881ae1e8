"""Checks without a screen: layers of every kind, masks, groups, locks, and what is refused."""

import sys

from gi.repository import Gegl, Gimp
from headless_hands import (
    GRAY,
    HEIGHT,
    PLUGIN,
    RGB,
    WIDTH,
    P,
    add_layer,
    alpha_of,
    call,
    called,
    dream,
    inverted,
    perceptual,
    picture,
    pixels,
    put,
    random_pixels,
    refused,
    selected,
    untouched,
)


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
        assert (copy.get_opacity(), copy.get_mode()) == (100.0, Gimp.LayerMode.NORMAL)
        assert layer.get_opacity() == 40.0


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
        refused(image, [], "Select a layer.")
        mask = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(mask)
        refused(image, [mask], "not on their masks")
        channel = Gimp.Channel.new(image, "Channel", WIDTH, HEIGHT, 50.0, Gegl.Color.new("red"))
        image.insert_channel(channel, None, 0)
        refused(image, [channel], "not on channels")


def check_indexed_is_refused():
    with picture(alpha=False) as (image, layer):
        image.convert_indexed(
            Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 8, False, False, ""
        )
        refused(image, [layer], "indexed images", "Image > Mode > RGB")


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
    from subject import Subject
    from thumbnail import Thumbnail

    for size, wanted in (
        ((896, 672), (448, 336)),
        ((80, 70), (80, 70)),
        ((1800, 100), (448, 59)),
    ):
        for kind, channels in ((RGB, 4), (GRAY, 2)):
            with picture(kind, True, canvas=size) as (image, layer):
                small = Thumbnail(Subject(image, layer), Rectangle(0, 0, *size))
                assert (small.frame.width, small.frame.height, small.frame.channels) == (*wanted, channels)
                assert len(small.frame.pixels) == wanted[0] * wanted[1] * channels
                assert len(small.rgba(small.frame.pixels)) == wanted[0] * wanted[1] * 4
    with picture(canvas=(600, 600), size=(896, 896), at=(-200, -100)) as (image, layer):
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 40, 60, 200, 200)
        small = Thumbnail(Subject(image, layer), Rectangle(0, 0, 896, 896))
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
