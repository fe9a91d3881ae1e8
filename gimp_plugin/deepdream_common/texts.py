# -*- coding: utf-8 -*-
"""What a person reads, in the language that GIMP speaks.

`_` where a text is shown, `N_` where it only stands in a table.  A new text gets its translation by
`python -m tests.gimp_plugin.make_texts`, see CONTRIBUTING.md.
"""

from __future__ import unicode_literals

import gettext
import itertools
import os
import struct

DOMAIN = str("deepdream")

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), str("locale"))
"""Where the translations are: LANGUAGE/LC_MESSAGES/deepdream.mo."""


class _Language(object):
    """The translations in use."""

    def __init__(self):
        self.translate = self.name = None


_language = _Language()


def use(languages=None):
    """Speak the first of the languages that there is, such as `ko_KR`; English if there is none.

    Without languages, take those of the environment: GIMP puts the one of its preferences there.
    """
    if languages is not None:  # English is spoken without a file, so what comes after it is not wanted
        languages = list(itertools.takewhile(lambda name: not name.startswith("en"), languages))
    try:
        found = gettext.translation(DOMAIN, FOLDER, languages, fallback=True)
    except (IOError, OSError, ValueError, struct.error):  # a damaged file
        found = gettext.NullTranslations()
    _language.name = found.info().get("language", "en")
    _language.translate = getattr(found, "ugettext", found.gettext)  # Python 2's gettext returns bytes


def language():
    """Return the name of the language in use, such as `ko`."""
    return _language.name


def _(text):
    """Return a text, as it stands in the source, in the user's language."""
    return _language.translate(text) if text else ""  # the translation of nothing is the file's head


def N_(text):  # noqa: N802 - the name that all programs give it
    """Mark a text in a table; where it is shown, `_` translates it."""
    return text


use()
