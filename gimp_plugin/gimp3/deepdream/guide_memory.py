"""The last guide, for as long as GIMP runs.

GIMP stores the last settings for ever, but the number of an image or a layer means another one tomorrow.
"""

from __future__ import annotations

import gi

gi.require_version("Gimp", "3.0")
from deepdream_common import parameters  # noqa: E402 - versions first
from deepdream_common.texts import N_  # noqa: E402 - versions first
from gi.repository import Gimp  # noqa: E402 - versions first

PARASITE = "deepdream-guide"
"""Name of GIMP's own note, which ends with it: the argument's name and the number of what it was."""

DONT_STORE = 1 << 9
"""GIMP's flag for an argument that is not stored; its own constant in Python has another value."""


GONE = N_("The guide picture is no longer open. Choose another one.")


def keep(config: Gimp.ProcedureConfig) -> None:
    """Keep the guide of a run for the next one."""
    for parameter in parameters.GUIDES:
        guide = config.get_property(parameter.name)
        if guide and parameter.kind != "text":
            note = f"{parameter.name} {guide.get_id()}".encode("ascii")
            Gimp.attach_parasite(Gimp.Parasite.new(PARASITE, 0, note))
            return
    Gimp.detach_parasite(PARASITE)


def bring_back(config: Gimp.ProcedureConfig) -> bool:
    """Set the guide of the last run, unless there is another one; return False where it is gone."""
    note = Gimp.get_parasite(PARASITE)
    if note is None or any(config.get_property(x.name) for x in parameters.GUIDES):
        return True
    name, number = bytes(note.get_data()).decode("ascii").split()
    found = {x.name: x.kind for x in parameters.GUIDES}[name]
    exists, get = {
        "image": (Gimp.Image.id_is_valid, Gimp.Image.get_by_id),
        "drawable": (Gimp.Item.id_is_drawable, Gimp.Drawable.get_by_id),
    }[found]
    if not exists(int(number)):
        return False
    config.set_property(name, get(int(number)))
    return True
