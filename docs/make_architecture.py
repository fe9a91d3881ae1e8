"""Draw docs/pictures/architecture.svg: the folders of engine/ as layers, and who meets them where.

Run `python docs/make_architecture.py`.  The rows are those of the list of layers in pyproject.toml.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Final

TARGET: Final = Path(__file__).with_name("pictures") / "architecture.svg"

ROWS: Final = (
    (("cli/", "the command line"),),
    (("batch/", "many pictures in one order"),),
    (("films/", "zoom, video"), ("galleries/", "sheets"), ("pipe/", "frames")),
    (("library/", "one picture, from file to result"),),
    (("ascent/", "the algorithm"), ("weights/", "templates, filled")),
    (("network/", "model files"), ("files/", "picture files")),
    (("settings/", "what can be chosen"), ("pictures/", "arrays in memory")),
    (("errors, machine, paths, atomic", "what anything may need"),),
)

WIDTH: Final = 800
LEFT, RIGHT, TOP, HEIGHT, GAP = 205, 595, 76, 50, 22

STYLE: Final = """
  text { font-family: system-ui, "DejaVu Sans", Arial, sans-serif; text-anchor: middle; fill: #1d2a33 }
  .name { font-size: 16px; font-weight: bold }
  .note { font-size: 13px }
  .paper { fill: #ffffff; stroke: #c5d0d8 }
  .engine { fill: #eef4f7; stroke: #9db4c0 }
  .box { fill: #d4e7ee; stroke: #35708a }
  .other { fill: #fbe9c9; stroke: #a3762a }
  .file { fill: #e3f0d8; stroke: #56803a }
  .arrow { stroke: #4b5d68; stroke-width: 2; fill: none; marker-end: url(#head) }
  .both { marker-start: url(#head) }
  #head path { fill: #4b5d68 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf1 }
    .paper { fill: #14191d; stroke: #3b4750 }
    .engine { fill: #1c252b; stroke: #4a5c67 }
    .box { fill: #1f4354; stroke: #6db1cd }
    .other { fill: #4d3a14; stroke: #d3a95c }
    .file { fill: #2b4220; stroke: #93c173 }
    .arrow { stroke: #a9bac4 }
    #head path { fill: #a9bac4 }
  }
"""

HEAD: Final = (
    '<defs><marker id="head" viewBox="0 0 10 10" refX="8" refY="5" markerWidth="6" markerHeight="6" '
    'orient="auto-start-reverse"><path d="M0 0 10 5 0 10z"/></marker></defs>'
)
"""The head of an arrow."""


def text(x: float, y: float, words: str, kind: str = "note") -> str:
    """Return one line of text around x."""
    return f'<text x="{x:g}" y="{y:g}" class="{kind}">{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """Return a box."""
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="6" class="{kind}"/>'


def arrow(points: str, kind: str = "arrow") -> str:
    """Return an arrow along points."""
    return f'<polyline points="{points}" class="{kind}"/>'


def top_of(row: int) -> int:
    """Return where a row begins."""
    return TOP + row * (HEIGHT + GAP)


def rows() -> list[str]:
    """Return the boxes of engine/, and the arrows between them."""
    parts = []
    for number, row in enumerate(ROWS):
        y, width = top_of(number), (RIGHT - LEFT - 10 * (len(row) - 1)) / len(row)
        for place, (name, note) in enumerate(row):
            x = LEFT + place * (width + 10)
            parts += [
                box(x, y, width, HEIGHT),
                text(x + width / 2, y + 21, name, "name"),
                text(x + width / 2, y + 40, note),
            ]
        if number < len(ROWS) - 1:
            middle = (LEFT + RIGHT) / 2
            parts.append(arrow(f"{middle:g},{y + HEIGHT + 2} {middle:g},{y + HEIGHT + GAP - 3}"))
    return parts


def neighbours() -> list[str]:
    """Return who meets engine/, and where."""
    out, network = top_of(2), top_of(5)
    parts = [
        text(88, 64, "your terminal", "name"),
        text(88, 84, "deepdream COMMAND"),
        arrow(f"88,92 88,{TOP + 30} {LEFT - 3},{TOP + 30}"),
        text(714, top_of(3) + 23, "your program", "name"),
        text(714, top_of(3) + 43, "import engine"),
        arrow(f"648,{top_of(3) + 25} {RIGHT + 3},{top_of(3) + 25}"),
    ]
    # The plug-in, at the height of pipe/.
    parts += [
        box(640, out - 10, 148, 74, "other"),
        text(714, out + 14, "gimp_plugin/", "name"),
        text(714, out + 34, "inside GIMP, only"),
        text(714, out + 52, "the standard library"),
    ]
    # The export and the file that it makes, at the height of network/.
    parts += [
        box(12, network - 194, 152, 74, "other"),
        text(88, network - 170, "export/", "name"),
        text(88, network - 150, "weights in; checked"),
        text(88, network - 132, "with TensorFlow"),
        arrow(f"88,{network - 118} 88,{network - 15}"),
        box(12, network - 12, 152, 74, "file"),
        text(88, network + 12, "the model file", "name"),
        text(88, network + 32, "ONNX: loss and"),
        text(88, network + 50, "gradient"),
        arrow(f"166,{network + 25} {LEFT - 3},{network + 25}"),
    ]
    return parts


def picture() -> str:
    """Return the whole picture."""
    bottom = top_of(len(ROWS) - 1) + HEIGHT
    height = bottom + 30
    pipe = top_of(2) + 25
    parts = [
        HEAD,
        box(0.5, 0.5, WIDTH - 1, height - 1, "paper"),
        box(LEFT - 14, 26, RIGHT - LEFT + 28, bottom - 26 + 14, "engine"),
        text((LEFT + RIGHT) / 2, 56, "engine/", "name"),
        *rows(),
        *neighbours(),
        arrow(f"637,{pipe} {RIGHT + 3},{pipe}", "arrow both"),
    ]
    title = "The folders of engine/ as layers, each importing only from those below it"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
        f'height="{height}" role="img">\n<title>{escape(title)}</title>\n<style>{STYLE}</style>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


if __name__ == "__main__":
    TARGET.write_text(picture(), "utf-8")
