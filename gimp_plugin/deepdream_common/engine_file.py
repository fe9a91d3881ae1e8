# -*- coding: utf-8 -*-
"""Where the engine is: `engine.json` beside the plug-in, written by the installer."""

from __future__ import unicode_literals

import io
import json
import os

from .native import native
from .process import EngineError
from .texts import _

NAME = "engine.json"


def read(folder):
    """Return the command that starts the engine, a list of words.

    Raises EngineError if the file is missing, or names an interpreter that no longer exists.
    """
    path = os.path.join(native(folder), native(NAME))
    try:
        with io.open(path, encoding="utf-8") as file:
            command = json.load(file)["command"]
        if not isinstance(command, list) or not command:
            raise ValueError("no command")
        words = [word + "" for word in command]
    except (IOError, OSError, ValueError, KeyError, TypeError, RuntimeError):  # the last: nested too deep
        raise EngineError(
            _("The plug-in does not know where to find the DeepDream engine."),
            _("Run “deepdream-gimp install” in the environment where the engine is installed."),
        )
    if not os.path.isfile(native(words[0])):
        raise EngineError(
            _("The DeepDream engine is missing: there is no %(program)s.") % {"program": words[0]},
            _("Install the engine again, then run “deepdream-gimp install”."),
        )
    return words
