# -*- coding: utf-8 -*-
"""Where the engine is: `engine.json` beside the plug-in, written when it was installed."""

from __future__ import unicode_literals

import io
import json
import os

from .process import EngineError

NAME = "engine.json"


def read(folder):
    """Return the command that starts the engine, a list of words.

    Raises EngineError where the file is missing or names an interpreter that is gone.
    """
    path = os.path.join(folder, NAME)
    try:
        with io.open(path, encoding="utf-8") as file:
            command = json.load(file)["command"]
        if not isinstance(command, list) or not command:
            raise ValueError("no command")
        words = [word + "" for word in command]
    except (IOError, OSError, ValueError, KeyError, TypeError, RuntimeError):  # the last: nested too deep
        raise EngineError(
            "The plug-in does not know where the DeepDream engine is.",
            "Run “deepdream-gimp install” in the environment that has the engine.",
        )
    if not os.path.isfile(words[0]):
        raise EngineError(
            "The DeepDream engine is gone: there is no %s." % words[0],
            "Install the engine again, then run “deepdream-gimp install”.",
        )
    return words
