"""Checks without a screen: the guide on its way to the engine, and what is left of it."""

import hashlib
import os
import struct
import sys
import time
import zlib
from pathlib import Path

from gi.repository import Gegl, Gimp
from headless_hands import (
    GRAY,
    PLUGIN,
    PROCEDURE,
    P,
    add_layer,
    call,
    dream,
    engine,
    picture,
    pixels,
    put,
    refused,
    scheme,
    scheme_call,
    words,
)
from headless_words import recipe


def guide_file():
    sys.path.insert(0, PLUGIN)
    import guide_file

    return guide_file


def left():
    """Return the guides in the profile folder."""
    return sorted(Path(Gimp.directory()).glob("deepdream-guide-*"))


def decoded(path):
    """Return width, height and pixels of a PNG file that the plug-in wrote."""
    data = Path(path).read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    at, packed = 8, b""
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        packed += data[at + 8 : at + 8 + length] if data[at + 4 : at + 8] == b"IDAT" else b""
        at += 12 + length
    rows = zlib.decompress(packed)
    return width, height, b"".join(rows[y * (3 * width + 1) + 1 :][: 3 * width] for y in range(height))


def given(**values):
    """Return a function that gives the values of a call's arguments."""
    return lambda name: values.get(name.replace("-", "_"))


def check_guide_of_any_kind_reaches_the_engine():
    file = Path(os.environ["FAKE_ENGINE_WORDS"] + "-guide")
    with picture(canvas=(120, 110)) as (image, layer), picture(GRAY, precision=P.U16_LINEAR) as (other, grey):
        selection = image.get_selection()
        for name, guide in (("guide", grey), ("guide_image", other), ("guide", layer), ("guide", selection)):
            dream(image, layer, **{name: guide})
            assert words()[-2] == "--guide", words()
            assert file.stat().st_mode & 0o777 == 0o600, oct(file.stat().st_mode)
            sides = (80, 70) if guide in (grey, other) else (120, 110)
            assert decoded(file)[:2] == sides, decoded(file)[:2]
            assert not left(), left()
            found = recipe(layer)["guide"]
            assert found == {"name": "", "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}, found
        dream(image, layer)
        assert "--guide" not in words()
        assert recipe(layer)["guide"] is None


def check_following_places_needs_a_guide():
    with picture(canvas=(120, 110)) as (image, layer):
        refused(image, [layer], "guide-places needs a guide", "guide-file", guide_places=True)
        dream(image, layer, guide_places=True, guide=layer)
        assert "--guide-places" in words(), words()


def check_guide_from_a_file():
    path = Path(Gimp.directory(), "장미 'rose.png")
    path.write_bytes(guide_file().png(64, 64, bytes(64 * 64 * 3)))
    try:
        with picture() as (image, layer):
            dream(image, layer, guide_file=str(path))
            assert words()[-2:] == ["--guide", str(path)], words()
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            assert recipe(layer)["guide"] == {"name": path.name, "sha256": digest}
            values = f'#:result "in-place" #:guide-file "{path}"'
            answer = scheme(scheme_call(image, layer, values))
            assert answer == ("success", ""), answer
            assert words()[-2:] == ["--guide", str(path)], words()
            values = f'#:result "in-place" #:guide {layer.get_id()} #:guide-places TRUE'
            answer = scheme(scheme_call(image, layer, values))
            assert answer == ("success", ""), answer
            assert words()[-2] == "--guide", words()
            assert "--guide-places" in words()
            assert path.exists()
    finally:
        path.unlink()


def check_wrong_guide_is_refused():
    with picture() as (image, layer):
        refused(image, [layer], "/nowhere/rose.png", "Choose another", guide_file="/nowhere/rose.png")
        refused(image, [layer], "one guide only", "guide-image", guide=layer, guide_image=image)
        assert not left()


def check_guide_is_the_picture_as_seen():
    guides = guide_file().Guides(Gimp.directory())
    try:
        with picture(canvas=(90, 80), alpha=False) as (image, layer):
            exact = pixels(layer, "R'G'B' u8")
            assert decoded(guides.path(given(guide=layer))) == (90, 80, exact)
            top = add_layer(image, True, (90, 80))
            top.set_opacity(0.0)
            image.clean_all()
            assert decoded(guides.path(given(guide_image=image))) == (90, 80, exact)
            assert not image.is_dirty()
            buffer = top.get_buffer()
            buffer.clear(Gegl.Rectangle.new(0, 0, 90, 80))
            buffer.flush()
            nothing = decoded(guides.path(given(guide=top)))[2]
            assert set(nothing) == {127}, set(nothing)
            assert [x.get_name() for x in image.get_layers()] == [top.get_name(), layer.get_name()]
        with picture(canvas=(1200, 1000)) as (image, layer):
            width, height, _ = decoded(guides.path(given(guide=layer)))
            assert abs(width * height - 300_000) < 1000, (width, height)
    finally:
        guides.close()
    assert not left()


def check_guide_has_the_layers_effects():
    guides = guide_file().Guides(Gimp.directory())
    try:
        with picture(canvas=(90, 80), alpha=False) as (image, layer):
            exact = pixels(layer, "R'G'B' u8")
            layer.append_filter(Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", ""))
            image.clean_all()
            found = decoded(guides.path(given(guide=layer)))[2]
            assert all(abs(x + y - 255) <= 1 for x, y in zip(found, exact)), "not inverted"  # noqa: B905
            assert len(layer.get_filters()) == 1
            assert not image.is_dirty()
    finally:
        guides.close()


def check_guide_of_a_group_is_its_picture():
    guides = guide_file().Guides(Gimp.directory())
    try:
        with picture(canvas=(90, 80), alpha=False) as (image, layer):
            exact = pixels(layer, "R'G'B' u8")
            group = Gimp.GroupLayer.new(image, "group")
            image.insert_layer(group, None, 0)
            image.reorder_item(layer, group, 0)
            image.clean_all()
            assert decoded(guides.path(given(guide=group)))[2] == exact
            assert not image.is_dirty()
    finally:
        guides.close()


def check_guide_is_kept_while_gimp_runs():
    sys.path.insert(0, PLUGIN)
    import guide_memory

    def config(**values):
        made = Gimp.get_pdb().lookup_procedure(PROCEDURE).create_config()
        for name, value in values.items():
            made.set_property(name.replace("_", "-"), value)
        return made

    def brought_back(**values):
        made = config(**values)
        answer = guide_memory.bring_back(made)
        return answer, *(made.get_property(name) for name in ("guide", "guide-image", "guide-file"))

    with picture() as (image, layer):
        guide_memory.keep(config(guide=layer))
        assert brought_back() == (True, layer, None, ""), brought_back()
        assert brought_back(guide_file="x") == (True, None, None, "x")
        assert call(image, [layer], Gimp.RunMode.WITH_LAST_VALS) == ("success", "")
        assert words()[-2] == "--guide", words()
        guide_memory.keep(config(guide_image=image))
        assert brought_back() == (True, None, image, ""), brought_back()
    assert brought_back() == (False, None, None, ""), brought_back()
    with picture() as (image, layer):
        answer = call(image, [layer], Gimp.RunMode.WITH_LAST_VALS)
        assert answer[0] == "execution-error", answer
        assert "no longer open" in answer[1], answer
        guide_memory.keep(config(guide_file="x"))
        assert brought_back() == (True, None, None, ""), brought_back()


def check_guide_of_a_killed_run_is_removed():
    folder = Path(Gimp.directory())
    old, new, other = (folder / f"deepdream-guide-{name}.png" for name in ("old", "new", "other"))
    for path in (old, new, other):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 90,) * 2)
    with other.open("rb") as held, picture() as (image, layer):
        guide_file()._lock(held)  # another run, long at work
        os.utime(other, (time.time() - 90,) * 2)
        assert call(image, [layer])[0] == "success"
        assert left() == [new, other], left()
    new.unlink()
    other.unlink()


def check_real_engine_follows_a_guide():
    engine("real")
    look = {"octaves": 1, "iterations": 2, "preset": "keras", "device": "cpu"}
    with picture(canvas=(90, 80)) as (image, layer), picture(canvas=(90, 80)) as (_other, guide):
        put(guide, bytes(range(120)) * 240)
        before, found = pixels(layer), []
        for values in ({}, {"guide": guide}, {"guide": guide, "guide_places": True}):
            dream(image, layer, **look, **values)
            found.append(pixels(layer))
            put(layer, before)
        assert len(set(found)) == 3, "the guide changed nothing"
        log = Path(Gimp.directory(), "deepdream.log").read_text(encoding="utf-8")
        assert "--guide-places" in log
