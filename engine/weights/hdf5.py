"""Weights in HDF5, as Keras writes them: `.h5` of Keras 2 and 3, `.weights.h5`, and what `.keras` holds.

Only arrays of numbers are read, and what names them: no configuration, no code.  The file can come from
anybody, so each step goes through `_Walk`, which follows no link to another place or file and counts what it
meets, and each array is looked at before it is loaded.

Keras' layouts are those of its `legacy_h5_format.py` and `saving_lib.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

from engine.errors import UsageError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import NoReturn

    from numpy.typing import NDArray

MOST: Final = 100_000
"""Groups and arrays that a file may hold."""

DEEPEST: Final = 16
"""Groups in each other, at most."""

LARGEST: Final = 1 << 30
"""Bytes of an array, at most: the largest of Keras' networks, VGG's first dense layer, has 411 MB."""

LONGEST: Final = 300
"""Characters of a name, at most."""

FILTERS: Final = frozenset([1, 2, 3, 32000])
"""HDF5's numbers of deflate, shuffle, Fletcher's sum and LZF: all that h5py itself writes."""

EXPANSION: Final = 1100
"""Times that deflate can make a file's content larger, at most."""

OLD: Final = {"W": "kernel", "b": "bias", "running_mean": "moving_mean", "running_std": "moving_variance"}
"""What Keras 1 called the variables, in whose files the first networks were published: `conv1_W_1:0`."""

_OLD_NAME: Final = re.compile(r"(?:.*_)?(W|b|gamma|beta|running_mean|running_std)(?:_\d+)?")
_COUNTED: Final = re.compile(r"(.*?)(?:_(\d+))?")

BY_NUMBER: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "batch_normalization": (
        ("moving_mean", "moving_variance"),
        ("beta", "moving_mean", "moving_variance"),
        ("gamma", "beta", "moving_mean", "moving_variance"),
    ),
    "separable_conv2d": (
        ("depthwise_kernel", "pointwise_kernel"),
        ("depthwise_kernel", "pointwise_kernel", "bias"),
    ),
    "depthwise_conv2d": (("depthwise_kernel",), ("depthwise_kernel", "bias")),
}
"""Variables of Keras' layers in their order, by kind of layer, for files that only number them; of all others
the first is the kernel and the second the bias."""


@dataclass
class H5Weights:
    """The weights in an HDF5 file of Keras'; see `protocol.Weights`.  The file stays open behind it."""

    source: str
    layers: tuple[str, ...]
    numbered: bool

    _arrays: dict[tuple[str, str], Any]
    """Arrays in the file, by layer and variable."""

    def tensor(self, layer: str, variable: str, /) -> NDArray[np.floating] | None:
        """Return a variable's values; see `protocol.Weights`."""
        array = self._arrays.get((layer, variable))
        if array is None and variable.endswith("_kernel"):  # as Keras 3 calls it
            array = self._arrays.get((layer, "kernel"))
        return None if array is None else _loaded(array, f"{layer}/{variable}")


def h5_weights(file: IO[bytes], source: str, size: int) -> H5Weights:
    """Open weights of Keras' in an open file of `size` bytes, which the result reads from later.

    Raises WeightsError for what is not such a file, and UsageError where h5py is not installed.
    """
    try:
        import h5py  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"files of Keras' need the extra [weights] ({error.name} is missing)",
            hint='pip install "deepdream-onnx[weights]"',
        ) from error
    try:
        walk = _Walk(h5py, size)
        root = h5py.File(file, "r")
        if "layer_names" in root.attrs or "layer_names0" in root.attrs:
            return _by_name(walk, root, source)
        if (whole := walk.child(root, "model_weights")) is not None:  # a model that was saved whole
            return _by_name(walk, whole, source)
        return _by_number(walk, root, source)
    except WeightsError:
        raise
    # h5py raises almost anything for a damaged file.
    except (OSError, ValueError, KeyError, RuntimeError, TypeError, AttributeError, UnicodeError) as error:
        raise WeightsError(f"it is not a whole file of HDF5: {_reason(error)}") from error


class _Walk:
    """Goes through a file's groups; raises WeightsError for whatever no file of Keras' holds."""

    def __init__(self, h5py: Any, size: int) -> None:
        self._h5py, self._size, self._left = h5py, size, MOST

    def child(self, group: Any, name: str) -> Any | None:
        """Return a group or an array in a group; None where there is none of that name."""
        link = group.get(name, getlink=True)
        if link is None:
            return None
        if not isinstance(link, self._h5py.HardLink):
            _refuse(f"{_shown(name)} is a link to another place")
        self._left -= 1
        if self._left < 0:
            _refuse("it holds too many groups")
        found = group[name]
        if isinstance(found, self._h5py.Dataset):
            self._check(found, name)
        return found

    def at(self, group: Any, path: str) -> Any | None:
        """Return what a path of several names leads to."""
        found: Any | None = group
        for name in path.split("/"):
            if not isinstance(found, self._h5py.Group):
                return None
            found = self.child(found, name)
        return found

    def groups(self, group: Any) -> Iterator[tuple[str, Any]]:
        """Yield the groups in a group, as Keras counts them: `conv2d_2` comes before `conv2d_10`."""
        for name in sorted(group, key=_counted):
            found = self.child(group, name)
            if isinstance(found, self._h5py.Group):
                yield name, found

    def arrays(self, group: Any) -> list[Any]:
        """Return the arrays that a group has by number, `0`, `1` and so on."""
        found = [self.child(group, name) for name in sorted(filter(str.isdecimal, group), key=int)]
        return [x for x in found if isinstance(x, self._h5py.Dataset)]

    def _check(self, array: Any, name: str) -> None:
        """Refuse an array of which not all is in this file, as numbers, in no more than can be loaded."""
        if array.external or array.is_virtual:
            _refuse(f"the values of {_shown(name)} are in another file")
        kinds = array.id.get_create_plist()
        filters = {kinds.get_filter(x)[0] for x in range(kinds.get_nfilters())}
        if not filters <= FILTERS:
            _refuse(f"{_shown(name)} is packed in a way that is not read here")
        too_large = array.nbytes > LARGEST or array.nbytes > EXPANSION * self._size
        if too_large or (not filters and array.nbytes > self._size):
            _refuse(
                f"{_shown(name)} claims {array.nbytes / 1e6:.0f} MB, in a file of {self._size / 1e6:.1f} MB"
            )


def _by_name(walk: _Walk, root: Any, source: str) -> H5Weights:
    """Read the layout in which attributes list the names of all layers and of their variables."""
    layers: dict[str, None] = {}
    arrays: dict[tuple[str, str], Any] = {}
    for name in _names(root, "layer_names"):
        group = walk.at(root, name)
        if group is None:
            raise WeightsError(f"it lists the layer {_shown(name)}, but breaks off before it")
        names = _names(group, "weight_names")
        parents = {x.rpartition("/")[0] for x in names}
        for weight in names:
            array = walk.at(group, weight)
            if array is None or not hasattr(array, "dtype"):
                raise WeightsError(f"it lists the tensor {_shown(weight)}, but breaks off before it")
            inner = weight.rpartition("/")[0].rpartition("/")[2]
            # A model inside a model is one layer of the outer one, with the layers in the weights' names.
            layer = name if len(parents) == 1 else inner or name
            layers[layer] = None
            arrays[layer, _variable(weight)] = array
    if not layers:
        _refuse("it holds no weights")
    return H5Weights(source, tuple(layers), numbered=False, _arrays=arrays)


def _by_number(walk: _Walk, root: Any, source: str) -> H5Weights:
    """Read the layout in which each layer is a group `…/NAME/vars`, with its variables by number."""
    layers: list[tuple[str, str]] = []
    arrays: dict[tuple[str, str], Any] = {}
    found = [(name, group, x) for name, group in _layers(walk, root) if (x := walk.arrays(group))]
    true = all("name" in group.attrs for _, group, _ in found)
    for counted, group, values in found:
        layer = _text(group.attrs["name"]) if true else counted
        if any(layer == x for x, _ in layers):
            _refuse(f"it holds the layer {_shown(layer)} twice")
        layers.append((layer, counted))
        kind = _counted(counted)[0]
        for number, array in enumerate(values):
            arrays[layer, _numbered_variable(kind, number, len(values))] = array
    if not layers:
        _refuse("it holds no weights of Keras'")
    return H5Weights(source, tuple(x for x, _ in layers), numbered=not true, _arrays=arrays)


def _layers(walk: _Walk, group: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the groups of variables in and below a group, with the name of what they belong to."""
    if depth > DEEPEST:
        _refuse("its groups lie too deep in each other")
    for inner, found in walk.groups(group):
        if inner == "optimizer":  # its variables are as many as the network's
            continue
        if inner == "vars":
            yield name, found
        else:
            yield from _layers(walk, found, inner, depth + 1)


def _numbered_variable(kind: str, number: int, count: int) -> str:
    rows = BY_NUMBER.get(kind, (("kernel",), ("kernel", "bias")))
    return next((row[number] for row in rows if len(row) == count), str(number))


def _variable(weight: str) -> str:
    """Return what Keras calls a variable today, of the name that a file gives it: `conv2d/kernel:0`."""
    name = weight.rpartition("/")[2].partition(":")[0]
    old = _OLD_NAME.fullmatch(name)
    return OLD.get(old[1], old[1]) if old else name


def _names(group: Any, attribute: str) -> list[str]:
    """Return a list of names from an attribute, which Keras splits where it is long, as `layer_names0`."""
    parts = [attribute] if attribute in group.attrs else []
    parts = parts or list(takewhile(lambda x: x in group.attrs, (f"{attribute}{x}" for x in range(MOST))))
    found: list[str] = []
    for part in parts:
        if group.attrs.get_id(part).get_space().get_simple_extent_npoints() > MOST:
            _refuse("it lists too many names")
        found += map(_text, np.ravel(group.attrs[part]).tolist())
    return found


def _text(name: object) -> str:
    """Return a name in the file as text that can be shown and is no path to elsewhere."""
    text = name.decode("utf-8") if isinstance(name, bytes) else name
    if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= LONGEST:
        _refuse("a name in it is no text")
    return text


def _loaded(array: Any, name: str) -> NDArray[np.floating]:
    """Return the values of an array in the file; raise WeightsError where they are not all numbers."""
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        _refuse(f"the tensor {name} holds {array.dtype}, not floating point")
    try:
        values: NDArray[np.floating] = np.asarray(array[()])
    except (OSError, ValueError, RuntimeError, MemoryError) as error:
        raise WeightsError(f"the tensor {name} cannot be read: {_reason(error)}") from error
    kind = np.float64 if values.dtype.itemsize == 8 else np.float32
    return np.ascontiguousarray(values, kind)


def _counted(name: str) -> tuple[str, int]:
    """Split a name into its kind and its number: `conv2d_2` is the second after `conv2d`."""
    found = _COUNTED.fullmatch(name)
    return (found[1], int(found[2] or 0)) if found and len(found[2] or "") < 10 else (name, 0)


def _shown(name: str) -> str:
    text = name if name.isprintable() else ascii(name)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _reason(error: BaseException) -> str:
    """Return in one line what h5py says."""
    return _shown(" ".join(str(error).split()) or type(error).__name__)


def _refuse(why: str) -> NoReturn:
    raise WeightsError(why)
