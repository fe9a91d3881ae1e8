"""A weights file of any format as `protocol.Weights`: what it begins with says which format it is."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.errors import WeightsError
from engine.settings.origin import bare_name
from engine.weights.archives import DAMAGED, KERAS, keras_weights, npz_weights
from engine.weights.caffe import BEGINS, caffe_weights
from engine.weights.hdf5 import h5_weights

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

    from engine.weights.protocol import Weights

LARGEST: Final = 4 << 30
"""Bytes of a weights file, at most: a model that was saved whole holds its optimizer's state, too."""

NAME: Final = 200
"""Characters of a file's name that a model's metadata keep, at most."""

HDF5: Final = b"\x89HDF\r\n\x1a\n"
ZIP: Final = b"PK\x03\x04"

TAKES: Final = (
    "it takes .h5 and .keras as Keras saves them, .caffemodel as Caffe does, and .npz as in this project's "
    "repository"
)


@contextlib.contextmanager
def open_weights(path: Path) -> Iterator[Weights]:
    """Open a weights file, which stays open inside the `with` block.

    Raises WeightsError where it cannot be read or is of no format known here, also out of the block for
    tensors that it does not hold whole; UsageError where the extra [weights] is missing.
    """
    try:
        with paths.open_file(path) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST:
                raise WeightsError(
                    f"the weights file {path} is too large: {LARGEST / 1e9:.0f} GB is the limit"
                )
            try:
                yield _opened(file, path, size)
            except WeightsError as error:
                raise WeightsError(f"the weights file {path}: {error}", hint=error.hint) from error
    except FileNotFoundError:
        raise WeightsError(f"there is no weights file {path}") from None
    except OSError as error:
        raise WeightsError(f"the weights file {path} cannot be read: {error.strerror or error}") from error


def _opened(file: BufferedReader, path: Path, size: int) -> Weights:
    source = f"{bare_name(path)[:NAME]} sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
    file.seek(0)
    begin = file.read(len(HDF5))
    file.seek(0)
    if begin == HDF5:
        return h5_weights(file, source, size)
    if begin.startswith(ZIP):
        return keras_weights(file, source) if _is_keras(file) else npz_weights(file, source)
    if begin.startswith(BEGINS):
        return caffe_weights(file, source, size)
    raise WeightsError("it is no weights file", hint=TAKES)


def _is_keras(file: BufferedReader) -> bool:
    """Tell whether a zip file is one of Keras'.  Raises WeightsError for one without a table of its parts."""
    try:
        with zipfile.ZipFile(file) as archive:
            return any(x in archive.namelist() for x in (KERAS, "config.json"))
    except DAMAGED as error:
        raise WeightsError("it is a damaged zip file, or breaks off before its end") from error
    finally:
        file.seek(0)
