"""Write the studio's words that GIMP's dialog has too: python -m tests.engine.studio.make_words.

`engine/studio/page/words.js` takes its Korean from the plug-in's catalogue, so that a look, a slider and an
error are called the same in both.  What only the page says stands in `ko.js` beside it, written by hand.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import polib

from engine.settings.config import settings
from engine.settings.presets import built_in, load
from gimp_plugin.deepdream_common import parameters
from gimp_plugin.deepdream_common.engine_words import FORMS

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "engine" / "studio" / "page"
CATALOGUE = ROOT / "gimp_plugin" / "deepdream_common" / "locale" / "ko" / "LC_MESSAGES" / "deepdream.po"
WRITTEN = {"ko.js", "words.js"}
"""Modules that hold translations."""

HEAD = """\
// @ts-check
/** Words that GIMP's dialog has too. Not to be edited: tests/engine/studio/make_words.py writes them anew. */
"""


def plain(text: str) -> str:
    """Return a label without its mnemonic."""
    return re.sub(r"(?<![\w%])_(?=\w)|(?<=\w)_(?=\w)", "", re.sub(r"\(_\w\)", "", text))


def modules() -> list[Path]:
    """Return the page's modules that say something."""
    return sorted(x for x in PAGE.glob("*.js") if x.name not in WRITTEN)


def of_page() -> set[str]:
    """Return the English texts of the page: in `_()` and `N_()`, and what index.html marks."""
    found: set[str] = set()
    for path in modules():
        calls = re.findall(r'\bN?_\(\s*("(?:[^"\\]|\\.)*")', path.read_text("utf-8"))
        found |= {json.loads(x) for x in calls}
    html = (PAGE / "index.html").read_text("utf-8")
    found |= set(re.findall(r"<[^>]* data-text[^>]*>([^<]*)<", html))
    found |= set(re.findall(r'\b(?:aria-label|alt)="([^"]+)"', html))
    return found


def channels() -> dict[str, str]:
    """Return what is seen in the channels of the atlas."""
    rows = (ROOT / "docs" / "atlas.md").read_text("utf-8")
    return dict(re.findall(r"^\| `(\w+:\d+)=1` \| (.*) \|$", rows, re.MULTILINE))


def of_tables() -> set[str]:
    """Return the texts that reach the page from the engine: looks, settings, layers, errors."""
    found = {text for name in built_in() for text in (load(name).title, load(name).description)}
    for setting in settings().values():
        if setting.dialog is not None:
            found |= {plain(setting.dialog.label), setting.dialog.tooltip or setting.help}
    found |= {text for layer in parameters.LAYERS for text in (plain(layer.label), layer.blurb)}
    return found | set(channels().values()) | set(FORMS)


def korean() -> dict[str, str]:
    """Return GIMP's translations by text, both without mnemonics."""
    return {
        plain(x.msgid): plain(x.msgstr) for x in polib.pofile(str(CATALOGUE), encoding="utf-8", wrapwidth=0)
    }


def written() -> str:
    """Return the module's text."""
    known = korean()
    shared = {text: known[text] for text in sorted(of_tables() | of_page()) if text in known}
    tables = {
        "KO": shared,
        "CHANNELS": channels(),
        "LAYER_HELP": {layer.name: layer.blurb for layer in parameters.LAYERS},
    }
    parts = [
        f"/** @type {{Record<string, string>}} */\nexport const {name} = "
        f"{json.dumps(table, ensure_ascii=False, indent=1)};\n"
        for name, table in tables.items()
    ]
    return HEAD + "\n" + "\n".join(parts)


def own() -> dict[str, str]:
    """Return the Korean texts that stand in `ko.js`."""
    text = (PAGE / "ko.js").read_text("utf-8")
    lines = re.findall(r'^  ("(?:[^"\\]|\\.)*"):\s*("(?:[^"\\]|\\.)*"),$', text, re.MULTILINE)
    return {json.loads(key): json.loads(value) for key, value in lines}


def main() -> None:
    """Write the module, and name the texts that want a translation in `ko.js`."""
    (PAGE / "words.js").write_text(written(), "utf-8")
    for text in sorted((of_page() | of_tables()) - set(korean()) - set(own())):
        sys.stdout.write(f"ko.js: no translation of “{text}”\n")


if __name__ == "__main__":
    main()
