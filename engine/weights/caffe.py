"""Weights in a `.caffemodel`, as Caffe saves a network: a protocol buffer.

Of three kinds of messages a few fields matter, whose numbers are those of Caffe's caffe.proto; all others are
passed over.  The file is walked field by field, not parsed into objects, of which a small file could name
many: nothing is made that is not looked at, and no array is larger than the bytes that it lies in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from engine.errors import WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Field: TypeAlias = tuple[int, int | memoryview]

BEGINS: Final = (b"\x0a", b"\x12", b"\xa2\x06")
"""What such a file begins with: the network's name, or a layer of the old or the new kind."""

LARGEST: Final = 1 << 30
"""Bytes of a file, at most: it is read whole.  VGG19, the largest of Caffe's zoo, has 575 MB."""

MOST: Final = 100_000
"""Fields that are looked at, at most.  GoogLeNet has some thousands."""

NAME_AND_BLOBS: Final = {2: (4, 6), 100: (1, 7)}
"""Layers of the old kind (`layers`, V1LayerParameter) and the new one (`layer`), by their field's number: in
which fields of theirs name and blobs are."""

SHAPE: Final = 7
LEGACY_SHAPE: Final = (1, 2, 3, 4)
VALUES: Final = {5: "<f4", 8: "<f8"}
"""A blob's fields: its shape in either form, and its values, packed."""

AXES: Final = 8
"""Axes of a blob, at most."""

VARIABLES: Final = ("kernel", "bias")
"""What a layer's blobs are, in their order."""

DAMAGED: Final = "it breaks off, or is no .caffemodel"


@dataclass(frozen=True)
class CaffeWeights:
    """The weights in a `.caffemodel`; see `protocol.Weights`."""

    source: str
    layers: tuple[str, ...]

    _blobs: dict[str, list[memoryview]]

    numbered: bool = False

    def tensor(self, layer: str, variable: str, /) -> NDArray[np.floating] | None:
        """Return a layer's kernel, turned into [h, w, in, out], or its bias; see `protocol.Weights`."""
        blobs = dict(zip(VARIABLES, self._blobs.get(layer, []), strict=False))
        if variable not in blobs:
            return None
        values = _values(blobs[variable], f"{layer}/{variable}")
        if variable == "bias":  # old files write all shapes with four axes
            return values.reshape(-1)
        return np.ascontiguousarray(values.transpose(2, 3, 1, 0) if values.ndim == 4 else values)


def caffe_weights(file: IO[bytes], source: str, size: int) -> CaffeWeights:
    """Read a `.caffemodel` of `size` bytes.  Raises WeightsError for any other."""
    if size > LARGEST:
        raise WeightsError(f"it is too large: {LARGEST / 1e9:.0f} GB is the limit for a .caffemodel")
    walk, blobs = _Walk(), {}
    for number, layer in walk.fields(memoryview(file.read(size))):
        if number in NAME_AND_BLOBS:
            name, own = _layer(walk, layer, *NAME_AND_BLOBS[number])
            if own:
                blobs[name] = own
    if not blobs:
        raise WeightsError("it holds no layer with weights")
    return CaffeWeights(source, tuple(blobs), blobs)


def _layer(walk: _Walk, layer: int | memoryview, named: int, blob: int) -> tuple[str, list[memoryview]]:
    """Return a layer's name and its first blobs."""
    name = b""
    blobs: list[memoryview] = []
    for number, value in walk.fields(layer):
        if isinstance(value, memoryview):
            if number == named:
                name = bytes(value[:1000])
            elif number == blob and len(blobs) < len(VARIABLES):
                blobs.append(value)
    try:
        return name.decode(), blobs
    except UnicodeDecodeError:
        raise WeightsError(DAMAGED) from None


def _values(blob: memoryview, called: str) -> NDArray[np.floating]:
    """Return a blob's values in its shape.  Raises WeightsError where it has not as many."""
    walk = _Walk()
    values: list[Any] = []
    legacy = dict.fromkeys(LEGACY_SHAPE, 0)
    shape: list[int] = []
    for number, value in walk.fields(blob):
        if isinstance(value, memoryview):
            if number == SHAPE:
                shape = walk.dimensions(value)
            elif number in VALUES and len(value) % np.dtype(VALUES[number]).itemsize == 0:
                values.append(np.frombuffer(value, VALUES[number]))
        elif number in legacy:
            legacy[number] = value
    shape = shape or list(legacy.values())
    found = np.concatenate(values) if values else np.zeros(0, np.float32)
    if len(shape) > AXES or math.prod(shape) != found.size:
        raise WeightsError(
            f"the tensor {called} holds {found.size} values, and its shape is {tuple(shape[:AXES])}"
        )
    return found.reshape(shape)


class _Walk:
    """Walks through messages, over no more than `MOST` fields in all.  Raises WeightsError."""

    def __init__(self) -> None:
        self._left = MOST

    def fields(self, message: int | memoryview) -> Iterator[Field]:
        """Yield the fields of a message: their numbers, and numbers or bytes."""
        view, at = _bytes(message), 0
        while at < len(view):
            self._count()
            key, at = _varint(view, at)
            kind = key & 7
            if kind == 0:
                number, at = _varint(view, at)
                yield key >> 3, number
                continue
            size = {1: 8, 5: 4}.get(kind, -1)
            if kind == 2:
                size, at = _varint(view, at)
            if size < 0 or size > len(view) - at:
                raise WeightsError(DAMAGED)
            yield key >> 3, view[at : at + size]
            at += size

    def dimensions(self, shape: memoryview) -> list[int]:
        """Return the numbers of a BlobShape."""
        found: list[int] = []
        for number, value in self.fields(shape):
            if number != 1:
                continue
            if isinstance(value, int):
                found.append(value)
                continue
            at = 0
            while at < len(value):
                self._count()
                dimension, at = _varint(value, at)
                found.append(dimension)
        return found

    def _count(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise WeightsError("it has more fields than any network")


def _bytes(message: int | memoryview) -> memoryview:
    if isinstance(message, int):
        raise WeightsError(DAMAGED)
    return message


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and the place behind it."""
    number = 0
    for place, byte in enumerate(view[at : at + 10]):
        number |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return number, at + place + 1
    raise WeightsError(DAMAGED)
