"""Write the help page that the plug-in has with it: python -m tests.gimp_plugin.make_help.

Its texts are in help/LANGUAGE.html here; the names and tooltips of controls and looks come from the plug-in's
tables and translations.  `--pictures` makes its pictures anew too, from those of the documentation.
"""

from __future__ import annotations

import html
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from gimp_plugin.deepdream_common import parameters, texts
from gimp_plugin.deepdream_common.parameter import Parameter

from .conftest import PLUGIN

TEMPLATES = Path(__file__).parent / "help"
HELP = PLUGIN / "deepdream_common" / "help"
LANGUAGES = {"en": "Deep Dream: help", "ko": "딥드림 도움말"}
"""The title of the page in each language."""

DOCUMENTATION = PLUGIN.parent / "docs" / "pictures"
MOUNTAINS = (292, 0, 681, 292)
"""Where the landscape is on a sheet of the gallery."""

SMALL = (192, 144)
"""Size of a look's picture in pixels; the page shows it a little smaller."""

ELSEWHERE = ("step-size", "blend", "guide-places")
"""Settings that the page explains beside the looks, and beside the guide."""


PLACE = re.compile(r"\{\{(\w+)(?: ([^}]+))?\}\}")
"""Where something of the plug-in's own stands in a template: `{{kind name}}`."""


def shown(text: str) -> str:
    """Return a text of the dialog in the language in use, without its mnemonic, as `세기(_S)` has one."""
    return re.sub(r"\s*\(_\w\)", "", str(texts._(text))).replace("_", "")


def title(parameter: Parameter) -> str:
    """Return a control's name as the dialog shows it."""
    return shown(parameter.label)


def sentence(text: str) -> str:
    """End a tooltip as a sentence."""
    return text if text.endswith(".") else text + "."


def control(parameter: Parameter) -> str:
    """Return a control's entry in a list of definitions."""
    name, blurb = html.escape(title(parameter)), html.escape(sentence(texts._(parameter.blurb)))
    return f"<dt>{name}</dt>\n<dd>{blurb}</dd>"


def controls(table: Iterable[Parameter]) -> str:
    """Return the entries of several controls."""
    return "\n".join(map(control, table))


def looks() -> str:
    """Return a picture of each look, with its name and description."""
    return "\n".join(
        f'<figure><img src="../pictures/{x.name}.jpg" width="{SMALL[0]}" height="{SMALL[1]}" alt="">\n'
        f"<figcaption><b>{html.escape(texts._(x.title))}</b>{html.escape(texts._(x.description))}</figcaption>"
        "</figure>"
        for x in parameters.PRESETS
    )


def filled(match: re.Match[str]) -> str:
    """Return what stands for `{{kind name}}`."""
    kind, name = match[1], match[2]
    fine = [x for x in parameters.SETTINGS if x.name not in ELSEWHERE]
    tables = {"layers": parameters.LAYERS, "fine": fine}
    if kind == "looks":
        return looks()
    if kind == "text":
        return html.escape(shown(name))
    if kind == "controls":
        return controls(tables[name])
    if kind == "look":
        return html.escape(texts._(next(x.title for x in parameters.PRESETS if x.name == name)))
    parameter = next(x for x in parameters.PARAMETERS + parameters.GUIDES if x.name == name)
    if kind == "control":
        return control(parameter)
    return html.escape({"label": title(parameter), "blurb": sentence(texts._(parameter.blurb))}[kind])


def page(language: str) -> str:
    """Return the page in a language."""
    texts.use([language])
    try:
        body = (TEMPLATES / f"{language}.html").read_text(encoding="utf-8")
        body = PLACE.sub(filled, body)
    finally:
        texts.use()
    told = {"language": language, "title": LANGUAGES[language], "body": body.rstrip()}
    frame = (TEMPLATES / "frame.html").read_text(encoding="utf-8")
    return PLACE.sub(lambda match: told[match[1]], frame)


def make_pictures() -> None:
    """Make the page's pictures, small."""
    from PIL import Image

    folder = HELP / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    with Image.open(DOCUMENTATION / "before-after.jpg") as picture:
        picture.convert("RGB").resize((900, 338), Image.Resampling.LANCZOS).save(
            folder / "before-after.jpg", quality=72, optimize=True
        )
    for preset in parameters.PRESETS:
        with Image.open(DOCUMENTATION / "gallery" / f"{preset.name}.jpg") as sheet:
            look = sheet.convert("RGB").resize(SMALL, Image.Resampling.LANCZOS, box=MOUNTAINS)
        look.save(folder / f"{preset.name}.jpg", quality=72, optimize=True)


def main() -> None:
    """Write the pages, and with `--pictures` their pictures."""
    for language in LANGUAGES:
        folder = HELP / language
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(page(language), encoding="utf-8")
    if "--pictures" in sys.argv[1:]:
        make_pictures()


if __name__ == "__main__":
    main()
