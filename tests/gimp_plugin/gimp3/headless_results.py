"""Checks without a screen: where the dreams of one layer or of several go."""

import json

from gi.repository import Gimp
from headless_eyes import add_mask, layers_of, negative, place, resembles, rgba, seen
from headless_hands import (
    GRAY,
    HEIGHT,
    RGB,
    WIDTH,
    P,
    add_layer,
    alpha_of,
    answered,
    engine,
    here,
    inverted,
    perceptual,
    picture,
    pixels,
    refused,
    request,
    scheme,
    scheme_call,
)


def check_several_layers():
    with picture(canvas=(150, 120)) as (image, low):
        high = add_layer(image, True, (80, 70), (30, 20), "High")
        far = add_layer(image, True, (80, 70), (90, 20), "Far")
        before = [pixels(layer) for layer in (low, high, far)]
        image.clean_all()
        assert here(image, [low, high])[0] == "success"
        assert layers_of(image) == ["Far", "High dream", "High", "Sky dream", "Sky"]
        assert [pixels(layer) for layer in (low, high, far)] == before
        for name, old in (("Sky dream", before[0]), ("High dream", before[1])):
            (copy,) = (layer for layer in image.get_layers() if layer.get_name() == name)
            assert pixels(copy) == negative(old), name
        assert {layer.get_name() for layer in image.get_selected_layers()} == {"High dream", "Sky dream"}
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 80, 100)  # of Far there is nothing in it
        assert here(image, [far, high], result="in-place")[0] == "success"
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
    answer = answered(image, drawables, **values)
    assert answer.index(0).value_nick == "success", answer.index(1)
    return answer.index(1)


def check_the_answer_is_the_image():
    with picture() as (image, layer):
        assert made(image, [layer]).get_id() == image.get_id()
        procedure, config = request(image, [layer])
        assert procedure.run(config).index(1).get_id() == image.get_id()
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
        wanted = seen(image, layer, place(layer))
        refused(image, [layer], "indexed images", "Image > Mode > RGB", "new image")
        new = made(image, [layer], result="new-image")
        try:
            assert (new.get_base_type(), image.get_base_type()) == (RGB, Gimp.ImageBaseType.INDEXED)
            resembles(rgba(new.get_layers()[0], (0, 0, WIDTH, HEIGHT)), negative(wanted))
        finally:
            new.delete()
