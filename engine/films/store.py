"""Frames that wait in a folder until their film is complete, so that a run can go on where another stopped.

The folder holds `order.json`, what the frames were made from; `000001.png` and so on, the frames; and
`state-000012.npy`, the last of them in full precision, from which the next is made.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from engine import atomic
from engine.errors import ImageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ORDER: Final = "order.json"

STATE: Final = re.compile(r"state-(\d{6,})\.npy")

OURS: Final = re.compile(rf"order\.json|\d{{6,}}\.png|state-\d{{6,}}\.npy|{atomic.PART}")
"""Names of the files that may be removed."""

LONGEST: Final = 65536
"""Bytes of an order, at most."""


class Store:
    """The folder of a film's frames."""

    def __init__(self, folder: Path, order: Mapping[str, Any], *, overwrite: bool = False) -> None:
        """Open the folder, or make it.

        Raises UsageError where it has the frames of another order, unless `overwrite` drops them, or files
        that are none of ours; ImageError where it cannot be written.
        """
        self.folder = folder
        self._order = json.loads(json.dumps(order))  # as it comes back from a file
        with _writing(folder):
            folder.mkdir(exist_ok=True)
            if strange := [x.name for x in folder.iterdir() if not OURS.fullmatch(x.name)]:
                raise UsageError(
                    f"{folder} holds {strange[0]}, which is none of a film's frames",
                    hint="move it away, or write the film elsewhere with -o",
                )
            if overwrite:
                self._clear()
            if (folder / ORDER).exists():
                self._compare()
            else:
                self._clear()
                with atomic.replacing(folder / ORDER) as part:
                    part.write_text(json.dumps(self._order, indent=1), "utf-8")

    def state(self) -> tuple[int, NDArray[np.float32] | None]:
        """Return how many frames are there, and the last in full precision; None where there is none."""
        found = sorted(int(x[1]) for path in self.folder.iterdir() if (x := STATE.fullmatch(path.name)))
        for number in reversed(found):
            if all(self._frame(i + 1).is_file() for i in range(number)):
                with contextlib.suppress(OSError, ValueError, EOFError):  # a broken one is as good as none
                    return number, np.load(self._state(number), allow_pickle=False)
        return 0, None

    def add(self, number: int, image: NDArray[np.uint8], state: NDArray[np.float32]) -> None:
        """Keep a frame, [H, W, 3], and what the next is made from; raise ImageError where that cannot be."""
        with _writing(self.folder):
            with atomic.replacing(self._frame(number)) as part:
                Image.fromarray(image).save(part, "PNG", compress_level=1)
            with atomic.replacing(self._state(number)) as part, part.open("wb") as file:
                np.save(file, state, allow_pickle=False)
            for path in self.folder.glob("state-*.npy"):
                if path != self._state(number):
                    path.unlink()

    def image(self, number: int) -> NDArray[np.uint8]:
        """Return a frame, counted from 1."""
        with Image.open(self._frame(number)) as image:
            return np.asarray(image.convert("RGB"))

    def remove(self) -> None:
        """Remove the folder and what is ours in it."""
        with _writing(self.folder):
            self._clear()
            self.folder.rmdir()

    def _compare(self) -> None:
        path = self.folder / ORDER
        try:
            found = json.loads(path.read_text("utf-8")) if path.stat().st_size <= LONGEST else {}
        except ValueError:
            found = {}
        before = found if isinstance(found, dict) else {}
        changed = [x for x in {**self._order, **before} if before.get(x) != self._order.get(x)]
        if changed:
            what = ", ".join(
                f"{x} was {_brief(before.get(x))}, is {_brief(self._order.get(x))}" for x in changed[:3]
            )
            raise UsageError(
                f"{self.folder} holds frames that were made otherwise: {what}",
                hint="--overwrite starts again; with the settings of before it goes on",
            )

    def _clear(self) -> None:
        for path in self.folder.iterdir():
            if OURS.fullmatch(path.name):
                path.unlink()

    def _frame(self, number: int) -> Path:
        return self.folder / f"{number:06}.png"

    def _state(self, number: int) -> Path:
        return self.folder / f"state-{number:06}.npy"


def folder_of(target: Path) -> Path:
    """Return where the frames of a film are kept: beside it."""
    return target.with_name(target.name + ".frames")


def check_room(folder: Path, frames: int | None, shape: tuple[int, int]) -> None:
    """Raise ImageError where the disk has no room for so many frames of that shape."""
    needed = (frames or 0) * shape[0] * shape[1] * 5 // 2  # of dreams a PNG takes that many bytes
    with _writing(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise ImageError(
            f"the frames need about {needed / 1e9:.1f} GB on the disk, and {free / 1e9:.1f} GB are free",
            hint="a smaller --size takes less",
        )


def _writing(folder: Path) -> contextlib.AbstractContextManager[None]:
    return atomic.explaining(folder, ImageError)


def _brief(value: Any) -> str:
    text = "not there" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
