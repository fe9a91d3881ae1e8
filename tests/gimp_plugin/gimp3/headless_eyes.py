"""What GIMP shows of a layer: the truth that dreams are compared with; and what changes how it is shown."""

from gi.repository import Gegl, Gimp
from headless_hands import add_layer, put, random_pixels

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
        return rgba(Gimp.Layer.new_from_visible(copy, copy, "seen"), where)
    finally:
        copy.delete()


def rgba(layer, where):
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
