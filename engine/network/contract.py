"""The names of the model file, once: inputs, outputs and metadata keys.

The exporter writes them and the engine reads them; nothing else ties the two together.  docs/model-file.md
documents them for other programs.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

SCHEMA = "2"
"""The format that the exporter writes.  It adds the optional targets to that of version 1."""

READABLE = ("1", SCHEMA)
"""The formats that the engine reads."""

LARGEST = 1_000_000
"""No number in the metadata is larger: not the channels of all layers together, and no size in pixels."""

LONGEST = 300
"""Characters of a text in the metadata, at most."""

IMAGE = "image"
CHANNEL_WEIGHTS = "channel_weights"
LOSS = "loss"
GRADIENT = "gradient"
ENERGIES = "energies"

INPUTS = (IMAGE, CHANNEL_WEIGHTS)
OUTPUTS = (LOSS, GRADIENT, ENERGIES)

STEP = "step"
NEXT = "next"
MEAN = "mean"
"""More names, in the graph of an ascent step, which the exporter makes too: the size of a step, the image
after it, and the mean of |gradient|."""

PREFIX = "deepdream."

BATCH = "N"
"""Name of the batch size in shapes."""

STEM = "stem"
"""The tensor between the stem and the first layer's block, [N, C, h, w]."""

STEM_GRADIENT = "stem/gradient"
"""The gradient of the loss with respect to it."""


def layer_weights(layer: str) -> str:
    """Name the tensor with a layer's part of the channel weights."""
    return f"{layer}/weights"


def layer_energies(layer: str) -> str:
    """Name the tensor with a layer's part of the energies."""
    return f"{layer}/energies"


def layer_targets(layer: str) -> str:
    """Name the optional input with a layer's targets, [M, its channels]; from schema 2 on."""
    return f"{layer}/targets"


def layer_activations(layer: str) -> str:
    """Name the tensor with a layer's activations, zero at the border, [N, its channels, h, w]; schema 2."""
    return f"{layer}/activations"


@dataclass(frozen=True)
class Layer:
    """One layer that a model file offers to dream on."""

    name: str
    """The name Keras gives it, such as `mixed4`."""

    channels: int
    """Number of feature maps, and so of places in `channel_weights`."""

    stride: int
    """Picture pixels from one position of the layer to the next."""

    block: str = ""
    """The layer whose block it lies inside; empty for one that stands for itself.  What shows all layers
    leaves these out, of which there are many."""


@dataclass(frozen=True)
class Stem:
    """How a model's stem, everything before its first layer, can be computed separately and in tiles.

    Sizes are in picture pixels.  Position p of `STEM` sees the pixels from `p * stride - before` on, `field`
    of them; what lies outside the picture is zero in the padded convolutions.
    """

    stride: int
    field: int
    before: int
    """At most the stride: only positions at the edges see beyond."""

    kept: tuple[str, ...]
    """Tensors [N, C, h, w] that the way back needs from the way there, besides the image."""

    padded_forward: tuple[str, ...]
    """Outputs of the convolutions and max pools that pad: inside a picture a tile must not."""

    padded_backward: tuple[str, ...]
    """Outputs of the convolutions that are the gradients of these."""

    after: int = 0
    """How far the last position may see beyond the picture: less than the field."""

    def positions(self, size: int) -> int:
        """Return how many positions there are along a side of `size` pixels."""
        return max((size + self.before + self.after - self.field) // self.stride + 1, 0)

    def size(self, positions: int) -> int:
        """Return the length of the shortest side that has that many positions."""
        return (positions - 1) * self.stride + self.field - self.before - self.after

    def to_text(self) -> str:
        """Return the entry of a model file, which leaves out an `after` that is as large as `before`."""
        entries = asdict(self)
        if self.after == self.before:
            del entries["after"]
        return json.dumps(entries)

    @property
    def at_end(self) -> int:
        """How many positions at a picture's end may see beyond it, at least 1: these are never parted."""
        return max(-(-self.after // self.stride), 1)


@dataclass(frozen=True)
class Metadata:
    """All that a model file says about itself, under keys that begin with `deepdream.`."""

    network: str
    """Architecture, such as `inception_v3`."""

    layers: tuple[Layer, ...]
    """In the order in which their channels stand in `channel_weights` and `energies`."""

    value_range: tuple[float, float]
    """What black and white become at the `image` input."""

    border: int
    """Positions that the loss leaves out at each border of every layer."""

    min_size: int
    """Shortest side, in pixels, at which at least one layer has a position left inside the border."""

    weights: str
    """Where the network's weights come from, with their sha256."""

    exporter: str
    """The versions of the programs that wrote the file."""

    stem: Stem | None = None
    """How the model can be split; None where the file does not say."""

    default_layers: Mapping[str, float] = field(default_factory=dict, hash=False)
    """Coefficients of a dream for which nobody chose any of its layers; empty where it does not say."""

    gradient_bytes: int = 0
    """Bytes per pixel of a picture that its gradient takes on a CPU, about; 0 where the file does not say."""

    schema: str = SCHEMA
    """One of `READABLE`."""

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        if not names or len(set(names)) != len(names):
            raise ValueError("layers must have distinct names, and there must be at least one")
        if any(layer.channels < 1 or layer.stride < 1 for layer in self.layers):
            raise ValueError("a layer needs at least one channel and a stride of at least one")
        if not -LARGEST <= self.value_range[0] < self.value_range[1] <= LARGEST:
            raise ValueError("value_range must go from black up to white")
        if self.border < 0 or self.min_size < 1 or self.gradient_bytes < 0:
            raise ValueError("border, min_size and gradient_bytes must not be negative")
        if not set(self.default_layers) <= set(names) or not all(
            math.isfinite(x) for x in self.default_layers.values()
        ):
            raise ValueError("default_layers must be finite coefficients of its layers")
        if not {x.block for x in self.layers} <= {"", *self.main_layers}:
            raise ValueError("a layer lies inside one that is none")
        strides = [layer.stride for layer in self.layers]
        if max(self.channels, self.border, self.min_size, self.gradient_bytes, *strides) > LARGEST:
            raise ValueError(f"a number is larger than {LARGEST}")
        texts = [*names, self.network, self.weights, self.exporter]
        if not all(text.isprintable() and len(text) <= LONGEST for text in texts):
            raise ValueError("a text is too long, or holds control characters")

    @property
    def has_targets(self) -> bool:
        """Whether each layer has an input of targets."""
        return self.schema != "1"

    @property
    def main_layers(self) -> tuple[str, ...]:
        """Names of the layers that stand for themselves: all but those inside a block of another one."""
        return tuple(x.name for x in self.layers if not x.block)

    def with_blocks(self, layers: Collection[str]) -> frozenset[str]:
        """Return layers, and the blocks that any of them lies in: no graph can be taken apart inside one.

        There the gradients of several convolutions are one tensor.
        """
        return frozenset(layers).union(x.block for x in self.layers if x.block and x.name in layers)

    @property
    def channels(self) -> int:
        """Length of `channel_weights` and of each row of `energies`."""
        return sum(layer.channels for layer in self.layers)

    def to_props(self) -> dict[str, str]:
        """Return the entries for the model file's `metadata_props`."""
        layers = [
            {"name": x.name, "channels": x.channels, "stride": x.stride}
            | ({"block": x.block} if x.block else {})
            for x in self.layers
        ]
        stem = {} if self.stem is None else {PREFIX + "stem": self.stem.to_text()}
        default = dict(self.default_layers)
        chosen = {PREFIX + "default_layers": json.dumps(default)} if default else {}
        memory = {PREFIX + "gradient_bytes": str(self.gradient_bytes)} if self.gradient_bytes else {}
        return (
            stem
            | chosen
            | memory
            | {
                PREFIX + "schema": self.schema,
                PREFIX + "network": self.network,
                PREFIX + "layers": json.dumps(layers),
                PREFIX + "value_range": json.dumps(list(self.value_range)),
                PREFIX + "border": str(self.border),
                PREFIX + "min_size": str(self.min_size),
                PREFIX + "weights": self.weights,
                PREFIX + "exporter": self.exporter,
            }
        )

    @classmethod
    def from_props(cls, props: Mapping[str, str]) -> Metadata:
        """Read the entries of a model file.

        Raises ValueError, in words for the user, where one is missing or does not make sense.
        """
        schema = props.get(PREFIX + "schema")
        if schema is None:
            raise ValueError("it has no deepdream.schema entry, so it was not made for dreaming")
        if schema not in READABLE:
            read = " and ".join(map(repr, READABLE))
            raise ValueError(
                f"it follows version {schema[:20]!r} of the format, and this program reads {read}"
            )
        try:
            low, high = json.loads(props[PREFIX + "value_range"])
            return cls(
                network=props[PREFIX + "network"],
                layers=tuple(
                    Layer(str(x["name"]), int(x["channels"]), int(x["stride"]), str(x.get("block", "")))
                    for x in json.loads(props[PREFIX + "layers"])
                ),
                value_range=(float(low), float(high)),
                border=int(props[PREFIX + "border"]),
                min_size=int(props[PREFIX + "min_size"]),
                weights=props[PREFIX + "weights"],
                exporter=props[PREFIX + "exporter"],
                stem=_read_stem(props.get(PREFIX + "stem")),
                default_layers={
                    str(name): float(x)
                    for name, x in json.loads(props.get(PREFIX + "default_layers", "{}")).items()
                },
                gradient_bytes=int(props.get(PREFIX + "gradient_bytes", "0")),
                schema=schema,
            )
        except KeyError as missing:
            raise ValueError(f"its metadata lack {missing}") from None
        except (TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"its metadata do not make sense: {str(error)[:LONGEST]}") from None


def _read_stem(text: str | None) -> Stem | None:
    if text is None:
        return None
    found = json.loads(text)
    stride, field, before = (int(found[name]) for name in ("stride", "field", "before"))
    after = int(found.get("after", before))
    if not 1 <= stride <= LARGEST or not 1 <= field <= LARGEST or not 0 <= before <= stride:
        raise ValueError("the stem's stride and field must be at least 1, and before 0 to stride")
    if not 0 <= after < field:
        raise ValueError("the stem's after must be 0 to less than its field")
    names = (tuple(map(str, found[name])) for name in ("kept", "padded_forward", "padded_backward"))
    kept, forward, backward = names
    return Stem(stride, field, before, kept, forward, backward, after)
