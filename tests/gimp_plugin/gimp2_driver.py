# -*- coding: utf-8 -*-
"""Run the GIMP 2.10 plug-in once on the stubs, under Python 2.7, and print what came of it as JSON.

gimp2_driver.py PLUG-IN < scenario.json; the scenario's keys are those of `main`.
"""

from __future__ import print_function

import base64
import imp
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "gimp2_stubs"))

import gimp
import gimpenums


def layer_of(scenario, image):
    kind = {"layer": gimp.Layer, "group": gimp.GroupLayer, "channel": gimp.Channel}[
        scenario.get("drawable", "layer")
    ]
    layer = kind(image, "caf\xc3\xa9", scenario["width"], scenario["height"], scenario["type"])
    layer.pixels[:] = bytearray((i * 7 + i // 251) % 256 for i in range(len(layer.pixels)))
    selection = scenario.get("selection")
    layer.selection, layer.strength = selection and tuple(selection), scenario.get("strength", 1.0)
    layer.locked, layer.offsets = scenario.get("locked", False), tuple(scenario.get("offsets", (0, 0)))
    image.drawable = layer
    if kind is not gimp.Channel:
        image.layers.append(layer)
    return layer


def meanwhile(layer, what):
    """Do what a user does while the dream is computed."""

    def act(value):
        if what == "remove":
            layer.valid = False
        elif what is not None:
            layer.selection = tuple(what)

    before = gimp.progress_update
    gimp.progress_update = lambda value: (before(value), act(value))


def main(plugin, scenario):
    """Return the report.

    type, width, height, offsets, selection, strength, locked, drawable: of the layer; canvas, precision: of the
    image; mode: a run mode; values: by parameter name, the rest has the registered defaults; press: see the stub;
    meanwhile: "remove" or a new selection; directory: GIMP's profile folder.
    """
    gimp.directory = scenario["directory"].encode("utf-8")
    imp.load_source("deepdream_plugin", plugin)
    canvas = scenario.get("canvas", (scenario["width"], scenario["height"]))
    image = gimp.Image(canvas[0], canvas[1], precision=scenario.get("precision", 150))
    layer = layer_of(scenario, image)
    original = bytes(layer.pixels)
    meanwhile(layer, scenario.get("meanwhile"))
    given = dict((name, _plain(value)) for name, value in scenario.get("values", {}).items())
    gimp.dialog_values, gimp.press = given, scenario.get("press")
    mode = getattr(gimpenums, scenario.get("mode", "RUN_NONINTERACTIVE"))
    arguments = [mode, image, layer]
    if mode == gimpenums.RUN_NONINTERACTIVE:
        import gimpfu

        definitions = gimpfu._registered["plug-in-deep-dream"][1][2:]
        arguments += [given.get(entry[1], entry[3]) for entry in definitions]
    error = None
    try:
        gimp.run("plug-in-deep-dream", tuple(arguments))
    except RuntimeError as raised:
        error = "%s: %s" % (type(raised).__name__, raised)
    gtk = sys.modules.get("gtk")
    return {
        "procedures": gimp.procedures,
        "menus": gimp.menus,
        "error": error,
        "messages": [call[1] for call in gimp.calls if call[0] == "message"],
        "windows": [call for call in gimp.calls if call[0] == "window"],
        "windows_left": len(gtk.windows) if gtk else 0,
        "progress": [call[1] for call in gimp.calls if call[0] == "progress_update"],
        "texts": [call[1] for call in gimp.calls if call[0] == "gimp_progress_set_text"],
        "original": base64.b64encode(original).decode("ascii"),
        "pixels": base64.b64encode(bytes(layer.pixels)).decode("ascii"),
        "layers": [
            {
                "name": each.name,
                "pixels": base64.b64encode(bytes(each.pixels)).decode("ascii"),
                "updates": each.updates,
                "parasites": each.parasites,
            }
            for each in image.layers
        ],
        "parasites": layer.parasites,
        "undo": [image.undo_groups, image.undo_depth, image.lonely_undo_steps],
        "threads": threading.active_count(),
    }


def _plain(value):
    return (
        value.encode("utf-8") if isinstance(value, type("")) is False and hasattr(value, "encode") else value
    )


print(json.dumps(main(sys.argv[1], json.load(sys.stdin))))
