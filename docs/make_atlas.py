"""Make the pictures of docs/atlas.md, and of GIMP: python docs/make_atlas.py [dreams|sheets|best|gimp]...

Some ten minutes on two cores, for 1536 small dreams: each channel of two layers, from a photograph, since
from noise a third of the channels stayed silent.  Each dream is kept in build/atlas/, so a second run goes on
where the first was stopped.
"""

from __future__ import annotations

import json
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

import engine

if TYPE_CHECKING:
    from engine.settings.config import Settings

ROOT = Path(__file__).parent.parent
WORK = ROOT / "build" / "atlas"
PICTURES = ROOT / "docs" / "pictures" / "atlas"
PLUGIN = ROOT / "gimp_plugin" / "gimp3" / "deepdream"
LAYERS = ("mixed4", "mixed5")
CHANNELS = 768
SPREAD = 475
"""Dreamed in steps of this, odd and not of three: those done first are spread over all."""

SIZE = 112
"""Sides of what is dreamed on, in pixels."""

SHEET, COLUMNS = 192, 12
"""Channels on a sheet, and in a row of it: as wide as a page shows at 100 %."""

SHOWN, SHOWN_BEST, BEST_COLUMNS = 80, 184, 5
"""Side of a picture in a sheet, and among the best, in pixels; how many of the best stand in a row."""

LABEL, GAP, QUALITY = 15, 6, 60
"""Height of the label below a picture, gap to the next one, in pixels; WebP's quality."""

TILE, TILE_COLUMNS, TILE_QUALITY = 96, 10, 78
"""Side of a picture in the plug-in, in pixels; how many stand in a row of its file; JPEG's quality."""

TABLE_HEAD = '''"""The channels that have a picture and a name, as docs/atlas.md lists them.

Not to be edited: `python docs/make_atlas.py gimp` writes it anew from docs/atlas.md, and a test holds the two
together.
"""

from __future__ import annotations

from deepdream_common.texts import N_

TILE, COLUMNS = {side}, {columns}
"""Side of each picture in pictures/channels.jpg, in pixels, and how many stand in a row of it."""

GROUPS = (
{groups})
"""Titles of groups, each with its channels: layer, number, what is seen.  The pictures have this order."""
'''

CROP = (80, 0, 656, 576)
"""Of the mountains: sky, a cloud, rocks, grass and a path."""

SETTINGS: Settings = {
    "octaves": 1,
    "iterations": 10,
    "step_size": 0.05,
    "max_loss": None,
    "jitter": 16,
    "margin": 24,
    "natural_colours": 1.0,
    "clip": True,
    "smooth": 0.8,
    "total_variation": 0.15,
}
"""The cheapest settings that show what a channel draws: with less `smooth`, form is lost in grain."""


def main() -> None:
    """Do the parts that are asked for, or all."""
    parts = {"dreams": dreams, "sheets": sheets, "best": best, "gimp": gimp}
    WORK.mkdir(parents=True, exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or parts:
        parts[name]()


def dreams() -> None:
    """Dream all channels."""
    channels = sorted(range(CHANNELS), key=lambda x: x * SPREAD % CHANNELS)
    dream([(layer, channel) for channel in channels for layer in LAYERS])


def sheets() -> None:
    """Write the sheets: in each cell what a channel makes of the photograph, and its number."""
    for layer in LAYERS:
        for first in range(0, CHANNELS, SHEET):
            numbers = range(first, first + SHEET)
            pictures = [opened(kept(layer, x)) for x in numbers]
            page = table(pictures, [f"{layer}:{x}" for x in numbers], SHOWN, COLUMNS)
            page.save(PICTURES / f"{layer}-{first}.webp", quality=QUALITY, method=6)


def best() -> None:
    """Write a sheet for each group of channels that docs/atlas.md names."""
    for name, (_, rows) in groups().items():
        wanted = [(layer, channel) for layer, channel, _ in rows]
        dream(wanted)
        labels = [f"{layer}:{channel}  {words}" for layer, channel, words in rows]
        page = table([opened(kept(*x)) for x in wanted], labels, SHOWN_BEST, BEST_COLUMNS)
        page.save(PICTURES / f"{name}.webp", quality=QUALITY, method=6)


def gimp() -> None:
    """Write the plug-in's table of the same channels, and one file with their pictures."""
    wanted = [(layer, channel) for _, rows in groups().values() for layer, channel, _ in rows]
    dream(wanted)
    sheet = Image.new("RGB", (TILE_COLUMNS * TILE, -(-len(wanted) // TILE_COLUMNS) * TILE))
    for number, key in enumerate(wanted):
        left, top = number % TILE_COLUMNS * TILE, number // TILE_COLUMNS * TILE
        sheet.paste(opened(kept(*key)).resize((TILE, TILE), Image.Resampling.LANCZOS), (left, top))
    sheet.save(PLUGIN / "pictures" / "channels.jpg", quality=TILE_QUALITY, optimize=True, progressive=True)
    (PLUGIN / "channel_table.py").write_text(gimp_table(), "utf-8")


def gimp_table() -> str:
    """Return the plug-in's table, as Python."""
    lines = []
    for title, rows in groups().values():
        lines += ["    (", f"        N_({json.dumps(title)}),", "        ("]
        lines += [f'            ("{layer}", {x}, N_({json.dumps(words)})),' for layer, x, words in rows]
        lines += ["        ),", "    ),"]
    return TABLE_HEAD.format(side=TILE, columns=TILE_COLUMNS, groups="\n".join(lines) + "\n")


def groups() -> dict[str, tuple[str, list[tuple[str, int, str]]]]:
    """Return what docs/atlas.md lists: by the name of each sheet its title, layers, channels and words."""
    found = {}
    for section in (ROOT / "docs" / "atlas.md").read_text("utf-8").split("\n## "):
        rows = re.findall(r"^\| `(\w+):(\d+)=1` \| (.+?) \|$", section, re.MULTILINE)
        if rows:
            name = re.findall(r"pictures/atlas/(\w+)\.webp", section)[0]
            title = section.partition("\n")[0]
            found[name] = (title, [(layer, int(channel), words) for layer, channel, words in rows])
    return found


def opened(path: Path) -> Image.Image:
    """Return a kept dream, or black where there is none yet."""
    if not path.exists():
        return Image.new("RGB", (SHOWN, SHOWN))
    with Image.open(path) as file:
        return file.convert("RGB")


def table(pictures: list[Image.Image], labels: list[str], side: int, columns: int) -> Image.Image:
    """Put pictures into a table, each `side` pixels wide, with a label under each."""
    font = ImageFont.load_default(LABEL - 3)
    width, height = side + GAP, side + LABEL
    page = Image.new("RGB", (columns * width - GAP, -(-len(pictures) // columns) * height), "white")
    draw = ImageDraw.Draw(page)
    for number, (image, label) in enumerate(zip(pictures, labels, strict=True)):
        left, top = number % columns * width, number // columns * height
        page.paste(image.resize((side, side), Image.Resampling.LANCZOS), (left, top))
        draw.text((left + side / 2, top + side), label, fill="black", font=font, anchor="ma")
    return page


def kept(layer: str, channel: int) -> Path:
    """Return the file that a dream is kept in."""
    return WORK / f"{layer}-{channel}.png"


def dream(wanted: list[tuple[str, int]]) -> None:
    """Dream what is not dreamed yet: layer and channel of each."""
    missing = [x for x in wanted if not kept(*x).exists()]
    if not missing:
        return
    model = engine.load_model(device="cpu", threads=1)
    first = photograph(SIZE)

    def one(key: tuple[str, int]) -> None:
        layer, channel = key
        for seed in (0, 1):  # what is silent may hear something when it is moved otherwise
            found = engine.dream(
                first, preset="keras", layers={f"{layer}:{channel}": 1.0}, seed=seed, model=model, **SETTINGS
            )
            if found.image.tobytes() != first.tobytes():
                break
        found.save(kept(*key))

    with ThreadPoolExecutor(2) as pool:
        # map, since it forgets those that wait when Ctrl-C ends it
        for number, _ in enumerate(pool.map(one, missing), 1):
            sys.stderr.write(f"{number} of {len(missing)}\n")


def photograph(size: int) -> Image.Image:
    """Return a square of a photograph that has calm and busy parts."""
    with Image.open(ROOT / "examples" / "mountains.jpg") as file:
        return file.convert("RGB").crop(CROP).resize((size, size), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
