"""Measure the most memory that one dream takes, against what was promised: a fresh process for each row.

What is measured is VmHWM, the most that a process ever held, of the command with all that it loads, reads and
writes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pictures
import report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CHILD: Final = """
import sys
from engine.cli.main import main
code = main(sys.argv[1:])
held = next(x for x in open("/proc/self/status") if x.startswith("VmHWM"))
print(int(held.split()[1]) * 1024)
sys.exit(code)
"""

KINDS: Final[dict[str, tuple[str, str, list[str]]]] = {
    "the default look": ("jpg", ".png", []),
    "at full size": ("jpg", ".png", ["--max-size", "none"]),
    "mask, guide, kept colours": ("jpg", ".png", ["--max-size", "none", "--keep-colours", "MASK", "GUIDE"]),
    "equal scales": ("jpg", ".png", ["--max-size", "none", "--smooth", "0.3"]),
    "PNG of 16 bits": ("png16", ".png", []),
    "TIFF of 16 bits": ("tiff16", ".tiff", []),
    "TIFF of floats": ("tifffloat", ".tiff", []),
}
"""By what is unusual: the kind of file, the result's suffix, and options."""

COMMON: Final = ["--octaves", "2", "--min-size", "none", "--iterations", "1", "--progress", "none"]


@dataclass(frozen=True)
class Row:
    """What one run took."""

    megapixels: float
    kind: str
    limit: str
    peak: int
    """Bytes; 0 where it was refused."""
    said: str
    """The last line of what it said."""


def main() -> None:
    """Print one row for each size, kind and limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 6, 12, 24], metavar="N")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument(
        "--limits", nargs="+", default=["600MB", "1GB", "2GB"], help="what --max-memory is given"
    )
    options = parser.parse_args()
    print(f"{report.machine()}\n", flush=True)
    print("| megapixels | picture | --max-memory | peak MB | |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(Path(folder), options.megapixels, options.kinds, options.limits):
            peak = f"{row.peak / 1e6:.0f}" if row.peak else "refused"
            print(f"| {row.megapixels:g} | {row.kind} | {row.limit} | {peak} | {row.said} |", flush=True)


def rows(
    folder: Path, megapixels: Sequence[float], kinds: Sequence[str], limits: Sequence[str]
) -> Iterator[Row]:
    """Yield what each combination took."""
    for size in megapixels:
        for kind in kinds:
            form, suffix, words = KINDS[kind]
            source = picture(folder, size, form)
            for limit in limits:
                target = folder / f"result{suffix}"
                given = [y for x in words for y in _filled(x, folder)]
                peak, said = measured(
                    [*COMMON, *given, "--max-memory", limit, str(source), "-o", str(target)]
                )
                yield Row(size, kind, limit, peak, said)


def measured(words: Sequence[str]) -> tuple[int, str]:
    """Run `dream`; return the most bytes that it held, 0 where it failed, and what it said last."""
    run = subprocess.run(
        [sys.executable, "-c", CHILD, "dream", "--overwrite", *words],
        capture_output=True,
        text=True,
        check=False,
    )
    said = run.stderr.strip().splitlines()
    return (0 if run.returncode else int(run.stdout.split()[-1])), said[-1] if said else ""


def picture(folder: Path, megapixels: float, form: str) -> Path:
    """Return a photograph of that many pixels, 3:2, with noise in it, as sensors make."""
    suffix = {"jpg": ".jpg", "png16": ".png"}.get(form, ".tiff")
    path = folder / f"{form}-{megapixels:g}{suffix}"
    if path.exists():
        return path
    width = round((megapixels * 1.5e6) ** 0.5)
    image = pictures.photograph(width, round(width / 1.5))
    if form == "jpg":
        image.save(path, quality=92)
        return path
    from engine import Picture
    from engine.files import images

    values = np.asarray(image).astype(np.uint16) * 257
    values += np.random.default_rng(0).integers(0, 200, values.shape, np.uint16)
    if form == "tifffloat":
        images.save(Picture(values.astype(np.float32) / 65535), path)
    else:
        images.save(Picture(values), path)
    return path


def _filled(word: str, folder: Path) -> list[str]:
    """Return an option with the file that it names."""
    if word == "MASK":
        path = folder / "mask.png"
        if not path.exists():
            pictures.photograph(1200, 800).convert("L").save(path)
        return ["--mask", str(path)]
    return ["--guide", str(pictures.PHOTOGRAPH)] if word == "GUIDE" else [word]


if __name__ == "__main__":
    main()
