"""Bring the plug-in's translations up to date: python -m tests.gimp_plugin.make_texts.

Every text in `_()` and `N_()`, and those of the tables of settings and presets, gets an entry in each
deepdream.po; a text that is gone loses its own.  Then each .po is compiled to the .mo beside it.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import polib

from engine.settings import presets
from gimp_plugin.deepdream_common import parameters

from . import make_help
from .conftest import PLUGIN

LOCALE = PLUGIN / "deepdream_common" / "locale"
HEAD = {
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
}
"""What readers need; no dates and no names of programs, so that equal texts make equal files."""


def catalogues() -> list[Path]:
    """Return the file of each language."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/deepdream.po"))


def sources() -> list[Path]:
    """Return the modules that run in GIMP."""
    return sorted(
        path for name in ("deepdream_common", "gimp2", "gimp3") for path in (PLUGIN / name).rglob("*.py")
    )


def marked(tree: ast.Module) -> list[ast.Constant]:
    """Return the texts in a module's calls of `_` and `N_`."""
    calls = [
        node.args[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "N_")
    ]
    return [text for text in calls if isinstance(text, ast.Constant)]  # others come from a table


def of_tables() -> set[str]:
    """Return the texts of the tables, which are translated where they are shown."""
    found = {parameters.MENU_LABEL, parameters.BLURB, parameters.HELP}
    for parameter in parameters.PARAMETERS + parameters.GUIDES:
        found |= {parameter.label, parameter.blurb, *(label for _, label in parameter.choices)}
    for preset in [*parameters.PRESETS, *map(presets.load, presets.OF_OTHERS)]:
        found |= {preset.title, preset.description}
    return found - {""}


def texts() -> list[str]:
    """Return all texts that a person reads, in the order of the alphabet."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in sources())
    return sorted(of_tables().union(*({text.value for text in marked(tree)} for tree in trees)))


def renewed(old: polib.POFile) -> polib.POFile:
    """Return a catalogue of the present texts, with the translations that there are."""
    new = polib.POFile(wrapwidth=100)
    new.metadata = {"Language": old.metadata["Language"], **HEAD}
    for text in texts():
        known = old.find(text)
        new.append(polib.POEntry(msgid=text, msgstr=known.msgstr if known and not known.fuzzy else ""))
    return new


def main() -> None:
    """Bring all languages up to date, and name the texts that want a translation."""
    for path in catalogues():
        catalogue = renewed(polib.pofile(path, encoding="utf-8"))
        path.write_text(f"{catalogue}\n", encoding="utf-8")
        path.with_suffix(".mo").write_bytes(catalogue.to_binary())
        for entry in catalogue.untranslated_entries():
            sys.stdout.write(f"{path}: no translation of “{entry.msgid}”\n")
    make_help.main()  # which has some of these texts


if __name__ == "__main__":
    main()
