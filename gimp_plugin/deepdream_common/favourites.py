# -*- coding: utf-8 -*-
"""The user's favourite looks, in a small file in GIMP's profile folder."""

from __future__ import unicode_literals

import os

from . import kept

NAME = "deepdream-favourites.json"


class Favourites(object):
    """Keys of looks.  Those of looks that there are no longer are kept: they may come back."""

    def __init__(self, folder, log):
        """Read them; log: takes lines for the log file."""
        self._path = os.path.join(folder, NAME)
        self._log = log
        self._keys = self._read()

    def __contains__(self, key):
        return key in self._keys

    def change(self, key, wanted):
        """Make a look a favourite, or no longer; what another GIMP has written meanwhile stays."""
        self._keys = [known for known in self._read() if known != key] + ([key] if wanted else [])
        kept.write(self._path, {"favourites": self._keys}, self._log)

    def _read(self):
        keys = kept.read(self._path, self._log).get("favourites", [])
        if isinstance(keys, list) and all(hasattr(key, "encode") for key in keys):
            return keys
        self._log("%s is broken and was ignored: it names no looks" % self._path)
        return []
