"""A network as a list of operations, each of which names the operations that it reads.

This is the form for whatever is not a chain of blocks as export/architecture.py has them: nets with
additions, depthwise convolutions, or batch norms that stand alone.  export/reading.py makes it of a Keras
model, export/writing.py writes it as ONNX.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

IMAGE = "image"
"""What the first operation reads: the picture as the network takes it, [N, 3, H, W]."""

PICTURE_CHANNELS = 3


@dataclass(frozen=True)
class Parameter:
    """An array that a weights file holds, or that is made of some of its arrays."""

    shape: tuple[int, ...]

    steps: tuple[tuple[Any, ...], ...]
    """How it is made: `engine.weights.instructions`."""


@dataclass(frozen=True)
class Operation:
    """What computes one tensor."""

    name: str
    """Of the Keras layer whose output it is."""

    sources: tuple[str, ...]
    """The operations whose outputs it reads."""


@dataclass(frozen=True)
class Convolution(Operation):
    """A convolution with a bias, all batch norm in it."""

    kernel: Parameter
    """[h, w, in, out]; [h, w, channels, 1] of a depthwise one; [channels] where each is only multiplied."""

    bias: Parameter
    """[out]."""

    factor: Parameter | None = None
    """What a depthwise kernel's channels are multiplied by, [channels]."""

    stride: int = 1

    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Zeros above, left, below and right."""

    depthwise: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the kernel."""
        shape = self.kernel.shape
        return (shape[0], shape[1]) if len(shape) > 1 else (1, 1)


@dataclass(frozen=True)
class Relu(Operation):
    """max(x, 0), and at most `limit` where there is one."""

    limit: float | None = None


@dataclass(frozen=True)
class MaxPool(Operation):
    """The largest of each window."""

    size: int
    stride: int


@dataclass(frozen=True)
class AveragePool(Operation):
    """The mean of each window; where `same`, of stride 1, and at the border of the positions that exist."""

    size: int
    stride: int
    same: bool = False


@dataclass(frozen=True)
class Pad(Operation):
    """Zeros around."""

    pads: tuple[int, int, int, int]
    """Above, left, below and right."""


@dataclass(frozen=True)
class SamePad(Operation):
    """What TensorFlow's SAME puts around the input of an odd window at stride 2, by the sides' being odd."""

    window: int

    value: float
    """Of the padding."""


@dataclass(frozen=True)
class Add(Operation):
    """The sum of all sources."""


@dataclass(frozen=True)
class Concat(Operation):
    """The channels of all sources, one after the other."""


@dataclass(frozen=True)
class Size:
    """How many positions there are along a side, as a function of the picture's size.

    Equal functions are equal objects: that is what tells which tensors always have the same size.
    """

    halvings: tuple[tuple[int, int], ...] = ()
    """Each is an offset and a divisor: size -> (size + offset) // divisor."""

    offset: int = 0
    """Added at the end."""

    times: int = 1
    """What is multiplied by before that: see `evened`."""

    def __call__(self, pixels: int) -> int:
        """Return the number of positions for a side of that many pixels."""
        for offset, divisor in self.halvings:
            pixels = (pixels + offset) // divisor
        return max(pixels * self.times + self.offset, 0)

    def padded(self, more: int) -> Size:
        """Return the size with `more` positions."""
        return Size(self.halvings, self.offset + more, self.times)

    def windows(self, window: int, stride: int) -> Size:
        """Return how many whole windows there are."""
        offset = self.offset - window
        if stride == 1:
            return Size(self.halvings, offset + 1, self.times)
        if stride == self.times:
            return Size(self.halvings, offset // stride + 1)
        if self.times > 1:
            raise ValueError(f"windows at stride {stride} after SAME of another")
        return Size((*self.halvings, (offset % stride, stride)), offset // stride + 1)

    def evened(self, window: int) -> Size:
        """Return the size as SAME pads it for an odd window at stride 2, for half as many windows."""
        half = self.windows(1, 2)
        return Size(half.halvings, 2 * half.offset + window - 2, 2)

    @property
    def stride(self) -> int:
        """Picture pixels from one position to the next."""
        product = 1
        for _, divisor in self.halvings:
            product *= divisor
        return product


@dataclass(frozen=True)
class Shape:
    """Channels and size of a tensor [N, channels, height, width]."""

    channels: int
    height: Size
    width: Size

    def sides(self, change: Callable[[Size], Size]) -> Shape:
        """Return the shape with both sides changed."""
        return Shape(self.channels, change(self.height), change(self.width))

    def padded(self, pads: tuple[int, int, int, int]) -> Shape:
        """Return the shape with so many positions more above, left, below and right."""
        top, left, bottom, right = pads
        return Shape(self.channels, self.height.padded(top + bottom), self.width.padded(left + right))


@dataclass(frozen=True)
class Network:
    """A network: its operations in an order in which each comes after those that it reads."""

    name: str
    operations: tuple[Operation, ...]

    layers: tuple[str, ...]
    """Operations to dream on, shallow to deep."""

    preprocessing: str = "tf"
    """What becomes of a picture in [-1, 1] first: nothing (`tf`); BGR from 0 to 255 less ImageNet's means
    (`caffe`); RGB from 0 to 1, less ImageNet's means, by its deviations (`torch`).  Keras' words."""

    default: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Coefficients of layers of a dream for which nobody has chosen any."""

    border: int = 2
    """Positions left out at each edge of every layer, where padding causes activations of its own."""

    gradient_bytes: int = 0
    """Bytes per pixel that loss and gradient take on a CPU, about."""

    stem: str = IMAGE
    """The last operation of the stem, which is computed in small tiles; up to it there is one chain."""

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """Channels and sizes of each operation's output.  Raises ValueError where they do not fit."""
        found = {IMAGE: Shape(PICTURE_CHANNELS, Size(), Size())}
        for x in self.operations:
            found[x.name] = _shape_after(x, [found[source] for source in x.sources])
        return found

    def channels(self) -> dict[str, int]:
        """Return the number of channels of each layer."""
        return {x: self.shapes[x].channels for x in self.layers}

    def positions(self, size: int) -> dict[str, int]:
        """Return how many positions each layer has along a side of `size` pixels."""
        return {x: min(self.shapes[x].height(size), self.shapes[x].width(size)) for x in self.layers}

    def strides(self) -> dict[str, int]:
        """Return, for each layer, the distance between neighbouring positions in picture pixels."""
        return {x: self.shapes[x].height.stride for x in self.layers}

    def min_size(self, border: int, until: str | None = None) -> int:
        """Return the shortest side in pixels at which some layer, up to `until`, has a position inside.

        All these layers must be computable at that size, so each has at least one position.
        """
        layers = self.layers[: self.layers.index(until) + 1] if until else self.layers
        size = 1
        while True:
            positions = [self.positions(size)[x] for x in layers]
            if max(positions) > 2 * border and min(positions) >= 1:
                return size
            size += 1

    def parameters(self) -> dict[str, Parameter]:
        """Return all arrays that weights fill, by name: `kernel_1`, `bias_1`, and so on."""
        found: dict[str, Parameter] = {}
        convolutions = (x for x in self.operations if isinstance(x, Convolution))
        for number, x in enumerate(convolutions, 1):
            roles = {"kernel": x.kernel, "bias": x.bias, "factor": x.factor}
            found |= {f"{role}_{number}": y for role, y in roles.items() if y is not None}
        return found


def _shape_after(operation: Operation, sources: Sequence[Shape]) -> Shape:
    """Return the shape of what an operation computes.  Raises ValueError where its sources do not fit."""
    x, *others = sources
    match operation:
        case Convolution():
            return _convolved(operation, x)
        case Concat():
            if any((y.height, y.width) != (x.height, x.width) for y in others):
                raise ValueError(f"{operation.name} joins tensors of different sizes")
            return replace(x, channels=sum(y.channels for y in sources))
        case Add() if any(y != x for y in others):
            raise ValueError(f"{operation.name} adds tensors of different shapes")
        case MaxPool(size=size, stride=stride) | AveragePool(size=size, stride=stride, same=False):
            return x.sides(lambda side: side.windows(size, stride))
        case SamePad(window=window):
            return x.sides(lambda side: side.evened(window))
        case Pad(pads=pads):
            return x.padded(pads)
        case _:
            return x


def _convolved(operation: Convolution, x: Shape) -> Shape:
    shape, (rows, columns), stride = operation.kernel.shape, operation.size, operation.stride
    wanted = shape[0] if len(shape) == 1 else shape[2]
    if x.channels != wanted:
        raise ValueError(f"{operation.name} takes {wanted} channels, and gets {x.channels}")
    padded = x.padded(operation.pads)
    channels = x.channels if operation.depthwise else shape[-1]
    return Shape(channels, padded.height.windows(rows, stride), padded.width.windows(columns, stride))
