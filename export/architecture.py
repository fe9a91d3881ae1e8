"""InceptionV3 as a table of blocks.

The architecture is that of Szegedy et al., "Rethinking the Inception Architecture for Computer Vision"
(arXiv:1512.00567), in the form of `keras.applications.InceptionV3`.  Reading the table depth first gives the
convolutions in the order in which Keras creates its layers, which is the order of the weights.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


PICTURE_CHANNELS = 3


@dataclass(frozen=True)
class Conv:
    """Convolution, batch norm where the network has such, and ReLU."""

    filters: int
    size: tuple[int, int]
    stride: int = 1
    padding: Literal["SAME", "VALID"] | int = "SAME"
    """A number is that of the zeros at each end, whatever the picture's size."""


@dataclass(frozen=True)
class MaxPool:
    """3x3: at a stride of 1 or 2 the windows overlap."""

    stride: int = 2
    before: int = 0
    after: int = 0
    """Positions that windows may reach beyond either end, where there is nothing: at most 1.  With a stride
    of 2 and 1 `after`, there are as many windows as in Caffe, which rounds their number up."""


@dataclass(frozen=True)
class ResponseNorm:
    """Local response normalisation across channels; export/response.py has its numbers."""


@dataclass(frozen=True)
class AveragePool:
    """3x3, stride 1; at the border, the mean of the positions that exist."""


@dataclass(frozen=True)
class Parallel:
    """Chains that read the same input; their outputs are concatenated along the channels."""

    chains: tuple[Chain, ...]


Node = Conv | MaxPool | AveragePool | ResponseNorm | Parallel
Chain = tuple[Node, ...]


@dataclass(frozen=True)
class Field:
    """The receptive field of the positions in a chain's output, along one side of its input."""

    stride: int
    """Distance from one position to the next."""

    size: int
    """Length that one position sees."""

    before: int
    """How far the first position's field extends beyond the picture, where there is nothing."""

    after: int
    """How far that of the last position may extend beyond it."""


@dataclass(frozen=True)
class Architecture:
    """A network: a stem, then a sequence of named blocks, each of which is a layer to dream on."""

    name: str
    stem: Chain
    blocks: tuple[tuple[str, Chain], ...]

    norm: bool = True
    """Whether a batch norm (without gamma) follows each convolution, instead of a bias."""

    names: tuple[str, ...] = ()
    """What weights files call each convolution, in the table's order; empty where Keras only counts them."""

    means: tuple[float, ...] = ()
    """Of blue, green and red, 0 to 255: what the network itself takes is BGR less these, as Caffe's networks
    do.  Empty where it takes the picture from -1 to 1 as it is."""

    default: Mapping[str, float] = field(default_factory=dict)
    """Layers of a dream for which nobody has chosen any; empty leaves that to the engine."""

    gradient_bytes: int = 0
    """Bytes per pixel that a gradient takes on a CPU, measured; 0 leaves that to the engine."""

    border: int = 2
    """Positions left out at each edge of every layer, where padding causes activations of its own."""

    open_blocks: bool = False
    """Whether the convolutions inside blocks are layers, too, before their ReLU, under the `names` that their
    weights have.  They are of stride 1."""

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers to dream on, shallow to deep; what is inside a block comes before it."""
        inside = self.inside()
        return tuple(x for name, _ in self.blocks for x in (*inside[name], name))

    def inside(self) -> dict[str, dict[str, Conv]]:
        """Return, for each block, the convolutions inside it that are layers, in the table's order."""
        names = iter(self.names[len(tuple(_convolutions(self.stem))) :])
        return {
            name: {next(names): conv for conv in _convolutions(chain)} if self.open_blocks else {}
            for name, chain in self.blocks
        }

    def until(self, layer: str) -> Architecture:
        """Return the network cut after the block `layer`.  Raises ValueError if there is no such block."""
        names = [name for name, _ in self.blocks]
        if layer not in names:
            raise ValueError(f"there is no layer {layer!r}; choose from {', '.join(names)}")
        blocks = self.blocks[: names.index(layer) + 1]
        default = {name: self.default[name] for name, _ in blocks if name in self.default}
        return replace(self, blocks=blocks, default=default)

    def kernel_shapes(self) -> tuple[tuple[int, int, int, int], ...]:
        """Return [h, w, in, out] of all convolutions, in the order of their weights."""
        chains = self.stem + tuple(node for _, chain in self.blocks for node in chain)
        return tuple(_kernel_shapes(chains, PICTURE_CHANNELS))

    def channels(self) -> dict[str, int]:
        """Return the number of channels of each layer."""
        width, inside = _width(self.stem, PICTURE_CHANNELS), self.inside()
        found: dict[str, int] = {}
        for name, chain in self.blocks:
            width = _width(chain, width)
            found |= {x: conv.filters for x, conv in inside[name].items()}
            found[name] = width
        return found

    def positions(self, size: int) -> dict[str, int]:
        """Return how many positions each layer has along a side of `size` pixels."""
        size, inside = _shrink(self.stem, size), self.inside()
        found: dict[str, int] = {}
        for name, chain in self.blocks:
            size = _shrink(chain, size)
            found |= dict.fromkeys((*inside[name], name), size)
        return found

    def strides(self) -> dict[str, int]:
        """Return, for each layer, the distance between neighbouring positions in picture pixels."""
        stride, inside = _stride(self.stem), self.inside()
        found: dict[str, int] = {}
        for name, chain in self.blocks:
            stride *= _stride(chain)
            found |= dict.fromkeys((*inside[name], name), stride)
        return found

    def stem_field(self) -> Field:
        """Return the receptive field of the stem's output positions in the picture."""
        stride, size, before, after = 1, 1, 0, 0
        for node in self.stem:
            kernel, step, pads = 1, 1, (0, 0)
            match node:
                case Conv(size=(kernel, _), stride=step, padding=padding):
                    named = {"SAME": (kernel - 1) // 2, "VALID": 0}
                    pads = (named[padding] if isinstance(padding, str) else padding,) * 2
                case MaxPool(step, first, last):
                    kernel, pads = 3, (first, last)
                case _:
                    pass
            size += (kernel - 1) * stride
            before, after = (x + pad * stride for x, pad in zip((before, after), pads, strict=True))
            stride *= step
        return Field(stride, size, before, after)

    def min_size(self, border: int, until: str | None = None) -> int:
        """Return the shortest side in pixels at which some layer has a position inside `border`.

        All layers must be computable at that size, so each has at least one position.  Layers behind `until`
        do not count; None stands for the last.
        """
        count = self.layers.index(until) + 1 if until else None
        size = 1
        while True:
            positions = [*self.positions(size).values()][:count]
            if max(positions) > 2 * border and min(positions) >= 1:
                return size
            size += 1


def inception_v3() -> Architecture:
    """Return InceptionV3 up to its last layer, `mixed10`, without the classifier."""
    stem: Chain = (
        Conv(32, (3, 3), stride=2, padding="VALID"),
        Conv(32, (3, 3), padding="VALID"),
        Conv(64, (3, 3)),
        MaxPool(),
        Conv(80, (1, 1), padding="VALID"),
        Conv(192, (3, 3), padding="VALID"),
        MaxPool(),
    )
    blocks = [
        *(_block_a(pooled) for pooled in (32, 64, 64)),
        _block_b(),
        *(_block_c(inner) for inner in (128, 160, 160, 192)),
        _block_d(),
        _block_e(),
        _block_e(),
    ]
    return Architecture(
        "inception_v3", stem, tuple((f"mixed{i}", (block,)) for i, block in enumerate(blocks))
    )


def _block_a(pooled: int) -> Parallel:
    return Parallel(
        (
            (Conv(64, (1, 1)),),
            (Conv(48, (1, 1)), Conv(64, (5, 5))),
            (Conv(64, (1, 1)), Conv(96, (3, 3)), Conv(96, (3, 3))),
            (AveragePool(), Conv(pooled, (1, 1))),
        )
    )


def _block_b() -> Parallel:
    return Parallel(
        (
            (Conv(384, (3, 3), stride=2, padding="VALID"),),
            (Conv(64, (1, 1)), Conv(96, (3, 3)), Conv(96, (3, 3), stride=2, padding="VALID")),
            (MaxPool(),),
        )
    )


def _block_c(inner: int) -> Parallel:
    row, column = (1, 7), (7, 1)
    return Parallel(
        (
            (Conv(192, (1, 1)),),
            (Conv(inner, (1, 1)), Conv(inner, row), Conv(192, column)),
            (
                Conv(inner, (1, 1)),
                Conv(inner, column),
                Conv(inner, row),
                Conv(inner, column),
                Conv(192, row),
            ),
            (AveragePool(), Conv(192, (1, 1))),
        )
    )


def _block_d() -> Parallel:
    return Parallel(
        (
            (Conv(192, (1, 1)), Conv(320, (3, 3), stride=2, padding="VALID")),
            (
                Conv(192, (1, 1)),
                Conv(192, (1, 7)),
                Conv(192, (7, 1)),
                Conv(192, (3, 3), stride=2, padding="VALID"),
            ),
            (MaxPool(),),
        )
    )


def _block_e() -> Parallel:
    fan = Parallel(((Conv(384, (1, 3)),), (Conv(384, (3, 1)),)))
    return Parallel(
        (
            (Conv(320, (1, 1)),),
            (Conv(384, (1, 1)), fan),
            (Conv(448, (1, 1)), Conv(384, (3, 3)), fan),
            (AveragePool(), Conv(192, (1, 1))),
        )
    )


def _convolutions(chain: Chain) -> Iterator[Conv]:
    """Yield the convolutions of a chain, in the table's order."""
    for node in chain:
        if isinstance(node, Conv):
            yield node
        elif isinstance(node, Parallel):
            for inner in node.chains:
                yield from _convolutions(inner)


def _kernel_shapes(chain: Chain, width: int) -> Iterator[tuple[int, int, int, int]]:
    for node in chain:
        if isinstance(node, Conv):
            yield (*node.size, width, node.filters)
        elif isinstance(node, Parallel):
            for inner in node.chains:
                yield from _kernel_shapes(inner, width)
        width = _width((node,), width)


def _width(chain: Chain, width: int) -> int:
    """Return how many channels a chain outputs for `width` input channels."""
    for node in chain:
        match node:
            case Conv():
                width = node.filters
            case Parallel(chains):
                width = sum(_width(inner, width) for inner in chains)
            case _:
                pass
    return width


def _stride(chain: Chain) -> int:
    stride = 1
    for node in chain:
        match node:
            case Conv() | MaxPool():
                stride *= node.stride
            case Parallel(chains):
                stride *= _stride(chains[0])
            case _:
                pass
    return stride


def _shrink(chain: Chain, size: int) -> int:
    """Return how many positions a chain outputs for `size` input positions, along one side."""
    for node in chain:
        match node:
            case Conv(size=(height, _), stride=stride, padding="VALID"):
                size = (size - height) // stride + 1
            case Conv(size=(height, _), stride=stride, padding=int(padding)):
                size = (size + 2 * padding - height) // stride + 1
            case MaxPool(stride, before, after):
                size = (size + before + after - 3) // stride + 1
            case Parallel(chains):
                size = _shrink(chains[0], size)
            case _:
                pass
    return max(size, 0)
