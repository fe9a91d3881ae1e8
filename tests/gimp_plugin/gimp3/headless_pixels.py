"""Checks without a screen: each pixel, in every precision and under every profile."""

# ruff: noqa: B905

import itertools
import sys

from gi.repository import Gimp
from headless_hands import (
    GRAY,
    PLUGIN,
    PRECISIONS,
    PROCEDURE,
    RGB,
    TOLERANCE,
    P,
    alpha_of,
    call,
    called,
    component,
    dream,
    engine,
    here,
    inverted,
    perceptual,
    picture,
    pixels,
    put,
    selected,
    untouched,
)


def check_procedure_is_there():
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    assert procedure.get_image_types() == "RGB*, GRAY*, INDEXED*"
    assert procedure.get_menu_paths() == ["<Image>/Filters"], procedure.get_menu_paths()
    names = [argument.get_name() for argument in procedure.get_arguments()]
    assert names[:3] == ["run-mode", "image", "drawables"], names
    promised = [
        "preset", "step-size", "octaves", "min-size", "iterations",
        "mixed0", "mixed1", "mixed2", "mixed3", "mixed4", "mixed5",
        "octave-scale", "max-loss", "jitter", "smooth", "total-variation", "stay-close", "blend", "feather",
        "seed", "clip", "keep-colours", "channels", "device", "fit-selection", "result",
        "mask", "groups", "result-mode",
    ]  # fmt: skip
    assert [name for name in names[3:] if name in promised] == promised, names
    sys.path.insert(0, PLUGIN)
    from deepdream_common import parameters

    assert names[3:] == [x.name for x in parameters.PARAMETERS + parameters.GUIDES], names


def check_every_precision_whole_layer():
    for precision, kind, alpha in zip(
        PRECISIONS, itertools.cycle((RGB, RGB, GRAY)), itertools.cycle((True, False))
    ):
        with picture(kind, alpha, precision) as (image, layer):
            before, floats = pixels(layer), perceptual(layer)
            dream(image, layer, by=call if precision in (P.U8_NON_LINEAR, P.FLOAT_LINEAR) else here)
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
