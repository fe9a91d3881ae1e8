# -*- coding: utf-8 -*-
"""The help page that is installed with the plug-in: help/LANGUAGE/index.html, which needs no network."""

from __future__ import unicode_literals

import os

from . import texts

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), str("help"))


def path():
    """Return the page's file in the user's language, or in English where there is none."""
    found = os.path.join(FOLDER, str(texts.language()), str("index.html"))
    return found if os.path.isfile(found) else os.path.join(FOLDER, str("en"), str("index.html"))
