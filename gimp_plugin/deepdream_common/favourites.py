# -*- coding: utf-8 -*-
"""The user's favourite looks, in a small file in GIMP's profile folder."""

from __future__ import unicode_literals

import io
import json
import os

NAME = "deepdream-favourites.json"


class Favourites(object):
    """Keys of looks.  Those of looks that there are no longer are kept: they may come back."""

    def __init__(self, folder, log):
        """Read them; log: takes lines for the log file, as a broken file is no reason to stop."""
        self._path = os.path.join(folder, NAME)
        self._log = log
        self._keys = self._read()

    def __contains__(self, key):
        return key in self._keys

    def change(self, key, wanted):
        """Make a look a favourite, or no longer; what another GIMP has written meanwhile stays."""
        self._keys = [known for known in self._read() if known != key] + ([key] if wanted else [])
        try:
            self._write()
        except (IOError, OSError) as error:
            self._log("the favourites can't be kept: %s" % error)

    def _read(self):
        try:
            with io.open(self._path, encoding="utf-8") as file:
                keys = json.load(file)["favourites"]
            return [key + "" for key in keys]
        except (IOError, OSError) as error:
            if os.path.lexists(self._path):
                self._log("the favourites can't be read: %s" % error)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:  # the last: nested too deep
            self._log("%s is broken and was ignored: %s" % (self._path, error))
        return []

    def _write(self):
        part = "%s.%d.part" % (self._path, os.getpid())
        with io.open(part, "wb") as file:
            file.write((json.dumps({"favourites": self._keys}) + "\n").encode("ascii"))
        try:
            getattr(os, "replace", os.rename)(part, self._path)
        except (IOError, OSError):
            os.remove(part)
            raise
