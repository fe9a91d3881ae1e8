"""Stores frames in a folder until their film is complete, so that a stopped run can be resumed.

The folder holds `order.json`, the identity of the film; the frames, `000001.png` and so on; and
`state-000012.npy`, the last frame in full precision, from which the next one is made.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from engine import atomic
from engine.errors import DreamError, ImageError, UsageError
from engine.machine import amount
from engine.settings.untrusted import LARGEST, from_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

ORDER: Final = "order.json"

STATE: Final = re.compile(r"state-(\d{6,})\.npy")

OURS: Final = re.compile(rf"order\.json|\d{{6,}}\.png|state-\d{{6,}}\.npy|{atomic.PART}")
"""Names of the files that this module writes, and so may remove."""


class Store:
    """The folder of a film's frames."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], *, overwrite: bool = False) -> None:
        """Open the folder, or create it.

        `identity` is everything that determines what the frames look like.  Raises UsageError if the folder
        has frames of another identity, unless `overwrite` removes them, or any other files; ImageError if it
        cannot be written.
        """
        self.folder = folder
        self._identity = json.loads(json.dumps(identity))  # as it comes back from a file
        with _writing(folder):
            folder.mkdir(exist_ok=True)
            if strange := [x.name for x in folder.iterdir() if not OURS.fullmatch(x.name)]:
                raise UsageError(
                    f"{folder} holds {strange[0]}, which does not belong to a film",
                    hint="move it away, or write the film elsewhere with -o",
                )
            if overwrite:
                self._clear()
            if (folder / ORDER).exists():
                self._compare()
            else:
                self._clear()
                with atomic.replacing(folder / ORDER) as part:
                    part.write_text(json.dumps(self._identity, indent=1), "utf-8")

    def state(self) -> tuple[int, NDArray[np.float32] | None]:
        """Return the number of stored frames, and the last one in full precision, or None without frames."""
        found = sorted(int(x[1]) for path in self.folder.iterdir() if (x := STATE.fullmatch(path.name)))
        for number in reversed(found):
            if all(self._frame(i + 1).is_file() for i in range(number)):
                with contextlib.suppress(OSError, ValueError, EOFError):  # a broken state counts as missing
                    return number, np.load(self._state(number), allow_pickle=False)
        return 0, None

    def add(self, number: int, image: NDArray[np.uint8], state: NDArray[np.float32]) -> None:
        """Store a frame, [H, W, 3], and its full-precision state; raise ImageError if that fails."""
        with self.kept(), _writing(self.folder):
            with atomic.replacing(self._frame(number)) as part:
                Image.fromarray(image).save(part, "PNG", compress_level=1)
            with atomic.replacing(self._state(number)) as part:
                content = io.BytesIO()  # NumPy does not say why it cannot write to a file
                np.save(content, state, allow_pickle=False)
                part.write_bytes(content.getbuffer())
            for path in self.folder.glob("state-*.npy"):
                if path != self._state(number):
                    path.unlink()

    def image(self, number: int) -> NDArray[np.uint8]:
        """Return a frame, [H, W, 3]; numbers count from 1."""
        with Image.open(self._frame(number), formats=["PNG"]) as image:
            return np.asarray(image.convert("RGB"))

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Add to an error that the frames made so far stay, and how to go on with them."""
        try:
            yield
        except DreamError as error:
            first = "make room there, then run" if atomic.is_full(error) else "run"
            error.hint = f"{first} the same command again: the frames made so far stay in {self.folder}"
            raise

    def remove(self) -> None:
        """Remove the folder with the files that this module wrote."""
        with _writing(self.folder):
            self._clear()
            self.folder.rmdir()

    def _compare(self) -> None:
        """Raise UsageError if the stored frames have another identity."""
        path = self.folder / ORDER
        try:
            found = from_json(path.read_text("utf-8")) if path.stat().st_size <= LARGEST else {}
        except ValueError:
            found = {}
        before = found if isinstance(found, dict) else {}
        changed = [x for x in {**self._identity, **before} if before.get(x) != self._identity.get(x)]
        if changed:
            what = ", ".join(
                f"{x} was {_brief(before.get(x))}, is {_brief(self._identity.get(x))}" for x in changed[:3]
            )
            raise UsageError(
                f"{self.folder} holds frames that were made with other settings: {what}",
                hint="use the earlier settings to resume, or --overwrite to start again",
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
    """Return the folder for the frames of a film, beside the film."""
    return target.with_name(target.name + ".frames")


def stored(folder: Path) -> int:
    """Return how many frames lie in the folder of a film, which need not exist."""
    return len(list(folder.glob("[0-9]*.png")))


def check_room(folder: Path, frames: int | None, shape: tuple[int, int]) -> None:
    """Raise ImageError if the disk does not have room for that many frames of `shape` (height, width)."""
    needed = (frames or 0) * shape[0] * shape[1] * 5 // 2  # a PNG of a dream takes about 2.5 bytes per pixel
    with _writing(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise ImageError(
            f"the frames need about {amount(needed)} on the disk, but only {amount(free)} are free",
            hint="choose a smaller --size",
        )


def _writing(folder: Path) -> contextlib.AbstractContextManager[None]:
    return atomic.explaining(folder, ImageError)


def _brief(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."
