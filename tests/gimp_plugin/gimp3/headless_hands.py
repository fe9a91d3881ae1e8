"""What the checks without a screen stand on: pictures, the engine, calls of the procedure; see running.py."""

# ruff: noqa: B905, E402, S311

import array
import contextlib
import json
import os
import random
import sys
from pathlib import Path

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
gi.require_version("Babl", "0.1")
from gi.repository import Babl, Gegl, Gimp

Gegl.init(None)

PLUGIN = os.environ["CHECK_PLUGIN"]
sys.path.insert(0, PLUGIN)
import deepdream

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


def request(image, drawables, run_mode=Gimp.RunMode.NONINTERACTIVE, **values):
    """Return the procedure, and its arguments."""
    procedure = Gimp.get_pdb().lookup_procedure(PROCEDURE)
    config = procedure.create_config()
    config.set_property("run-mode", run_mode)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for name, value in values.items():
        config.set_property(name.replace("_", "-"), value)
    return procedure, config


def call(*args, **values):
    """Have GIMP call the procedure, in a process of the plug-in's own; return its status and message.

    image, drawables, perhaps the run mode, and values by argument name.
    """
    procedure, config = request(*args, **values)
    status = procedure.run(config).index(0)
    return status.value_nick, "" if status.value_nick == "success" else Gimp.get_pdb().get_last_error()


def here(image, drawables, **values):
    """Do as `call` does, but in this process.

    It takes a tenth of the time: for what is about layers and pixels, not about GIMP's way of calling.
    """
    answer = answered(image, drawables, **values)
    status = answer.index(0)
    return status.value_nick, "" if status.value_nick == "success" else answer.index(1)


def scheme(text):
    """Run Script-Fu; return its status and message."""
    procedure = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval")
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property(procedure.get_arguments()[1].name, text)
    status = procedure.run(config).index(0)
    return status.value_nick, "" if status.value_nick == "success" else Gimp.get_pdb().get_last_error()


def scheme_call(image, layer, values):
    """Return the call of the procedure in Script-Fu; values: as it writes them."""
    drawables = f"#:image {image.get_id()} #:drawables (vector {layer.get_id()})"
    return f"({PROCEDURE} #:run-mode RUN-NONINTERACTIVE {drawables} {values})"


def answered(image, drawables, **values):
    """Return what the plug-in's procedure returns, called in this process."""
    procedure, config = request(image, drawables, **values)
    return deepdream.run(procedure, Gimp.RunMode.NONINTERACTIVE, image, drawables, config, None)


def dream(image, layer, by=here, **values):
    """Dream and expect success; by: `here` or `call`."""
    values.setdefault("result", "in-place")
    answer = by(image, [layer], **values)
    assert answer[0] == "success", answer


def refused(image, drawables, *parts, by=here, **values):
    """Expect an error whose message has these parts, and an image that knows nothing of it."""
    before = [(layer.get_id(), layer.get_name()) for layer in image.get_layers()]
    image.clean_all()
    status, message = by(image, drawables, **values)
    assert status == "execution-error", (status, message)
    for part in parts:
        assert part in message, message
    assert not image.is_dirty()
    assert [(layer.get_id(), layer.get_name()) for layer in image.get_layers()] == before
    return message


def called():
    """Return kind, height, width, channels and opaque pixels of the last frame that the fake engine got."""
    return tuple(_calls()[-1][0])


def words(back=1):
    """Return the words that the fake engine was called with last, or so many calls back."""
    return _calls()[-back][1:]


def _calls():
    lines = Path(os.environ["FAKE_ENGINE_WORDS"]).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


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
