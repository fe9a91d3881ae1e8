#!/usr/bin/env python2
# -*- coding: utf-8 -*-
"""Deep Dream for GIMP 2.10: the Python-Fu host, Python 2.7 with gimpfu and the standard library.

The engine does the work in another process; this file reads the layer, shows the progress and writes the
result.  The image is changed only when the result is ready, so a run that is cancelled, fails or is killed
leaves the image and its undo history as they were.
"""

from __future__ import unicode_literals

import os
import sys
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
if HERE not in sys.path:
    sys.path.insert(0, HERE)

import gimp
import gimpfu
import order
import pixels
from deepdream_common import engine_file, log_file, parameters, recipe, region, texts, values, words
from deepdream_common.process import Engine, EngineError
from deepdream_common.progress import Pace
from deepdream_common.texts import N_, _
from gimpfu import pdb

POLL_SECONDS = 0.05
EIGHT_BITS = (100, 150)
"""Precisions of 8 bits per channel, linear and perceptual."""

DEEPER = N_(
    "This image has more than 8 bits per channel, but GIMP 2.10 gives a Python plug-in only 8, so the "
    "part dreamed on will be rounded to 8 bits. GIMP 3 keeps the full precision."
)
PRESET_LABEL = N_("Preset, for all settings left unchanged")
RESULT = parameters.RESULT._replace(choices=parameters.RESULT.choices[:2])
"""Without new images."""

SHOWN = tuple(
    RESULT if parameter is parameters.RESULT else parameter
    for parameter in parameters.PARAMETERS
    if parameter not in parameters.MORE + parameters.OF_GIMP_3
)
"""The arguments.  gimpfu's dialog is one column that does not scroll, so the preset gives the rest here."""

REMOVED = N_("The layer was removed while the dream was being computed, so the dream can't be added.")


class HostError(Exception):
    """The run is not possible; the argument is a sentence for the user."""


def deep_dream(image, drawable, *given):
    """Dream on the drawable; GIMP calls this with one value for each of the parameters."""
    try:
        _run(image, drawable, words.settled(values.check_all(SHOWN, given)))
    except gimpfu.CancelError:
        raise
    except (EngineError, HostError, region.RegionError, parameters.SettingError) as error:
        _fail(_sentence(error))
    except Exception:
        _log(traceback.format_exc().decode("utf-8", "replace").splitlines())
        _fail(
            _("The Deep Dream plug-in went wrong. The log file %(file)s has the details.")
            % {"file": log_file.NAME}
        )


def _run(image, drawable, settings):
    _refuse(drawable, settings)
    command = engine_file.read(HERE)
    rectangle = region.around(pixels.selected(drawable), drawable.width, drawable.height)
    if image.precision not in EIGHT_BITS:
        gimp.message(_text(_(DEEPER)))
    task = order.Task(image, drawable, rectangle, settings)
    dreamed, how, warnings = _compute(command, task, rectangle)
    # GIMP stayed usable: the user may have closed the image or deleted the layer.
    if not pdb.gimp_item_is_valid(drawable):
        raise HostError(_(REMOVED))
    _apply(image, drawable, rectangle, dreamed, how, new_layer=settings["result"] == "new-layer")
    if warnings:
        gimp.message(_text("\n".join(warnings)))


def _refuse(drawable, settings):
    """Raise HostError for a drawable that can't be changed."""
    if pdb.gimp_item_is_group(drawable):
        raise HostError(_("A layer group does not have pixels of its own. Choose one of its layers."))
    if drawable.is_indexed:  # GIMP itself keeps only the menu from calling with such an image
        raise HostError(
            _("Deep Dream does not work on indexed images.\nConvert it first (Image > Mode > RGB).")
        )
    in_place = settings["result"] == "in-place" or not pdb.gimp_item_is_layer(drawable)
    if in_place and pdb.gimp_item_get_lock_content(drawable):
        raise HostError(
            _("The layer's pixels are locked.\nUnlock them, or choose a new layer as the result.")
        )


def _compute(command, task, rectangle):
    """Return (the dreamed pixels, their recipe, the engine's warnings); the engine has ended by then.

    Raises EngineError, and CancelError if the user cancels.
    """
    _prepare_process()
    width, height = rectangle[2:]
    gimp.progress_init(_text(_("Deep Dream")))
    pace, warnings, buttons = Pace(), [], Buttons()
    engine = None
    try:
        engine = Engine(command, task.options, order.KIND, height, width, task.channels, task.sent)
        while not engine.finished:
            event = engine.poll(POLL_SECONDS)
            if event is not None and event["event"] == "step":
                pdb.gimp_progress_set_text(_text(pace.text(event)))
                gimp.progress_update(pace.fraction(event))
            elif event is not None and event["event"] == "warning":
                warnings.append(event.get("message", ""))
            if buttons.pressed() == Buttons.CANCEL:
                raise gimpfu.CancelError
            if buttons.pressed() == Buttons.KEEP:
                engine.stop()
        dreamed = _result(engine, stopped=buttons.pressed() is not None)
        return task.answer(dreamed), task.recipe(engine), warnings
    finally:
        if engine is not None:
            engine.close()
            _log(engine.log)
        buttons.close()


def _result(engine, stopped):
    try:
        return engine.result()
    except EngineError as error:
        if stopped:  # before there was anything to keep
            raise gimpfu.CancelError
        _log([_sentence(error)])
        raise


def _prepare_process():
    """Let GIMP kill this process together with the engine."""
    try:
        os.setpgid(0, 0)
    except (AttributeError, OSError):
        pass  # Windows has no groups; or this process already leads a session


def _apply(image, drawable, rectangle, dreamed, how, new_layer):
    """Put the dreamed rectangle and its recipe into the image, in one undo step.

    It is applied through the present selection, including feathering.  GIMP merges the whole selection, so
    all of it is written: if the user has changed the selection, parts that were not dreamed on keep their
    pixels.
    """
    selected = pixels.selected(drawable)
    if not (selected[2] and selected[3]):
        raise HostError(_("Nothing of the layer is selected any more, so the dream can't be added."))
    pdb.gimp_image_undo_group_start(image)
    try:
        target, flags = drawable, gimpfu.PARASITE_PERSISTENT | gimpfu.PARASITE_UNDOABLE
        if new_layer and pdb.gimp_item_is_layer(drawable):
            target, flags = drawable.copy(), gimpfu.PARASITE_PERSISTENT
        target.attach_new_parasite(str(recipe.NAME), flags, str(how))
        if target is not drawable:
            parent = pdb.gimp_item_get_parent(drawable)
            position = pdb.gimp_image_get_item_position(image, drawable)
            pdb.gimp_image_insert_layer(image, target, parent, position)
            pdb.gimp_item_set_name(target, _text(_("%(layer)s dream") % {"layer": _words(drawable.name)}))
            pdb.gimp_item_set_lock_content(target, False)
        pixels.write(target, selected, rectangle, dreamed)
    finally:
        pdb.gimp_image_undo_group_end(image)


class Buttons(object):
    """A window with “Cancel” and “Stop and Keep” for interactive runs.

    gimpfu calls us from its own dialog, whose buttons are insensitive meanwhile, and GIMP's status bar does
    not offer a Cancel button there either.
    """

    KEEP = 1
    CANCEL = 2

    def __init__(self):
        self._gtk = sys.modules.get(str("gtk"))  # imported by gimpfu if there is a dialog
        self._pressed = None
        self._window = None
        if self._gtk is not None:
            gtk = self._gtk
            buttons = (_text(_("_Stop and keep")), self.KEEP, gtk.STOCK_CANCEL, gtk.RESPONSE_CANCEL)
            self._window = gtk.Dialog(_text(_("Deep Dream")), None, 0, buttons)
            self._window.vbox.pack_start(gtk.Label(_text(_("The dream is being computed."))), True, True, 12)
            self._window.connect(str("response"), self._respond)
            self._window.show_all()

    def _respond(self, _window, response):
        self._pressed = self.KEEP if response == self.KEEP else self.CANCEL

    def pressed(self):
        """Handle the user's pending input, then return KEEP, CANCEL or None."""
        while self._gtk is not None and self._gtk.events_pending():
            self._gtk.main_iteration(False)
        return self._pressed

    def close(self):
        """Close the window."""
        if self._window is not None:
            self._window.destroy()
            self._window = None


def _fail(sentence):
    """End the run with the sentence in GIMP's message window, or as the error of a script."""
    if "gtk" in sys.modules:
        # An exception would open gimpfu's window with a traceback.
        gimp.message(_text(sentence))
        raise gimpfu.CancelError
    gimpfu.fail(_text(sentence))


def _log(lines):
    if lines:
        log_file.write(_words(gimp.directory), lines)


def _text(text):
    """Return a text as GIMP expects it: UTF-8 in a `str`."""
    return text.encode("utf-8")


def _words(text):
    """Return a text from GIMP as unicode."""
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _sentence(error):
    """Return one of our errors as text for the user; `str` would require ASCII."""
    hint = getattr(error, "hint", "")
    return error.args[0] + ("\n" + hint if hint else "")


def _control(parameter):
    """Return the gimpfu definition of a parameter."""
    if parameter is parameters.PRESET:
        return _presets()
    name, label = str(parameter.name), _text(_(parameter.label))
    if parameter.kind == "choice":
        items = tuple((_text(_(label)), str(nick)) for nick, label in parameter.choices)
        return (gimpfu.PF_RADIO, name, label, str(parameter.default), items)
    if parameter.kind in ("bool", "text"):
        plain = {"bool": (gimpfu.PF_TOGGLE, bool), "text": (gimpfu.PF_STRING, str)}
        kind, of_python = plain[parameter.kind]
        return (kind, name, label, of_python(parameter.default))
    if parameter.kind == "int":
        extra = (parameter.low, parameter.high, parameter.step)
        return (gimpfu.PF_SPINNER, name, label, parameter.default, extra)
    if parameter.high - parameter.low <= SLIDER_SPAN * 10**-parameter.digits:
        extra = (parameter.low, parameter.high, 10.0**-parameter.digits)
        return (gimpfu.PF_SLIDER, name, label, parameter.default, extra)
    # A slider of a few hundred pixels is too coarse for these; `values.check` checks their range.
    return (gimpfu.PF_FLOAT, name, label, parameter.default)


def _presets():
    """Return the definition of a menu, whose value is a number; radio buttons would fill the screen."""
    nicks = [nick for nick, _title in parameters.PRESET.choices]
    titles = tuple(_text(_(title)) for _nick, title in parameters.PRESET.choices)
    default = nicks.index(parameters.PRESET.default)
    return (gimpfu.PF_OPTION, str(parameters.PRESET.name), _text(_(PRESET_LABEL)), default, titles)


SLIDER_SPAN = 1000
"""Most steps that a slider can usefully have."""


def _register():
    given = [
        (gimpfu.PF_IMAGE, str("image"), _text(_("Input image")), None),
        (gimpfu.PF_DRAWABLE, str("drawable"), _text(_("Input drawable")), None),
    ]
    gimpfu.register(
        str(parameters.PROCEDURE),
        _text(parameters.BLURB),
        _text(parameters.HELP),
        str("The DeepDream authors"),
        str("The DeepDream authors, MIT licence"),
        str("2026"),
        _text(parameters.MENU_LABEL),
        str(parameters.IMAGE_TYPES),
        given + [_control(parameter) for parameter in SHOWN],
        [],
        deep_dream,
        menu=str(parameters.MENU_PATH),
        domain=(texts.DOMAIN, texts.FOLDER),  # GIMP translates the menu entry and the two texts above it
    )


_register()
gimpfu.main()
