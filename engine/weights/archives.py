"""Weights in zip files: `.keras`, and this project's own `.npz` of 8 bits.

Neither is unpacked to a disk.  A `.keras` file also holds the network's configuration, which can name code to
run: it is never read.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from engine.errors import WeightsError
from engine.weights.hdf5 import H5Weights, h5_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LARGEST: Final = 1 << 30
"""Bytes that a zip file's part may unpack to; those of Keras' networks here have 600 MB at most."""

KERAS: Final = "model.weights.h5"
"""What Keras calls the weights in a `.keras` file."""

_NAMED: Final = re.compile(r"((conv2d|batch_normalization)_(\d{1,4}))/([a-z_]{1,40})")

DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    MemoryError,
    RuntimeError,
)
"""What Python raises for damaged zip files, and for packed or encrypted ones that it cannot read."""


def keras_weights(file: IO[bytes], source: str) -> H5Weights:
    """Open the weights in a `.keras` file.  Raises WeightsError for any other."""
    try:
        with zipfile.ZipFile(file) as archive:
            if KERAS not in archive.namelist():
                raise WeightsError(f"it is a zip file without {KERAS}, so none of Keras'")
            content = _part(archive, KERAS)
    except DAMAGED as error:
        raise WeightsError(f"it is a damaged zip file: {_line(error)}") from error
    return h5_weights(io.BytesIO(content), source, len(content))


def npz_weights(file: IO[bytes], source: str) -> NpzWeights:
    """Read 8-bit weights; export/weights/README.md describes their format.  Raises WeightsError."""
    try:
        with zipfile.ZipFile(file) as archive:
            arrays = dict(_arrays(archive))
    except DAMAGED as error:
        raise WeightsError(f"it cannot be read as .npz: {_line(error)}") from error
    layers: dict[str, tuple[int, str]] = {}
    for name in arrays:
        if found := _NAMED.fullmatch(name):
            layers[found[1]] = (int(found[3]), found[2])
    if not any(name.endswith("/kernel") for name in arrays):
        raise WeightsError("it holds no kernels")
    return NpzWeights(source, tuple(sorted(layers, key=layers.__getitem__)), _arrays=arrays)


@dataclass(frozen=True)
class NpzWeights:
    """The weights in an `.npz` file; see `protocol.Weights`."""

    source: str
    layers: tuple[str, ...]

    _arrays: dict[str, NDArray[Any]]

    numbered: bool = False

    def tensor(self, layer: str, variable: str, /) -> NDArray[np.floating] | None:
        """Return a variable's values, of 8 bits those that they stand for; see `protocol.Weights`."""
        name = f"{layer}/{variable}"
        values = self._arrays.get(name)
        if values is None:
            return None
        if values.dtype.kind == "f":
            return np.ascontiguousarray(values, np.float64)
        scale, least = (self._arrays.get(f"{name}.{x}") for x in ("scale", "min"))
        if values.dtype != np.uint8 or scale is None or least is None or scale.size != 1 or least.size != 1:
            raise WeightsError(f"the tensor {name} is not of 8 bits with a scale and a min")
        return np.ascontiguousarray(values * float(scale.item()) + float(least.item()), np.float64)


def _arrays(archive: zipfile.ZipFile) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of an .npz by name."""
    if sum(entry.file_size for entry in archive.infolist()) > LARGEST:
        raise WeightsError("it would unpack to more than the weights of any network")
    for name in archive.namelist():
        if name.endswith(".npy"):
            content = io.BytesIO(_part(archive, name))
            yield name.removesuffix(".npy"), np.lib.format.read_array(content, allow_pickle=False)


def _part(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a part of a zip file, whose size it says itself: no more is ever unpacked."""
    about = archive.getinfo(name)
    if about.file_size > LARGEST:
        raise WeightsError(f"{name} in it claims {about.file_size / 1e9:.1f} GB")
    with archive.open(about) as opened:
        content = opened.read(about.file_size + 1)
    if len(content) != about.file_size:
        raise WeightsError(f"it breaks off in {name}")
    return content


def _line(error: BaseException) -> str:
    text = " ".join(str(error).split())[:300]
    return text if text.isprintable() and text else type(error).__name__
