"""GoogLeNet as Caffe's model zoo has it, `bvlc_googlenet`: the network of google/deepdream, 2015.

The architecture is that of Szegedy et al., "Going Deeper with Convolutions" (arXiv:1409.4842), in the form of
models/bvlc_googlenet/deploy.prototxt of BVLC/caffe, without the classifiers; layers have that file's names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from export.architecture import Architecture, Conv, MaxPool, Parallel, ResponseNorm

if TYPE_CHECKING:
    from export.architecture import Chain

MEANS: Final = (104.0, 116.0, 122.0)
"""Of blue, green and red, as google/deepdream has them; the network was trained with 104, 117 and 123."""

POOL: Final = MaxPool(after=1)
"""Caffe rounds the number of windows up."""

BLOCKS: Final = {
    # Channels: 1x1; 3x3, from fewer; 5x5, from fewer; behind the pool.
    "3a": (64, (96, 128), (16, 32), 32),
    "3b": (128, (128, 192), (32, 96), 64),
    "4a": (192, (96, 208), (16, 48), 64),
    "4b": (160, (112, 224), (24, 64), 64),
    "4c": (128, (128, 256), (24, 64), 64),
    "4d": (112, (144, 288), (32, 64), 64),
    "4e": (256, (160, 320), (32, 128), 128),
    "5a": (256, (160, 320), (32, 128), 128),
    "5b": (384, (192, 384), (48, 128), 128),
}

AFTER_POOL: Final = ("4a", "5a")
"""Blocks that a pool halves the input of."""

PARTS: Final = ("1x1", "3x3_reduce", "3x3", "5x5_reduce", "5x5", "pool_proj")
"""What the convolutions of a block are called, in the table's order."""


def bvlc_googlenet() -> Architecture:
    """Return GoogLeNet up to its last block, `inception_5b/output`."""
    stem: Chain = (
        Conv(64, (7, 7), stride=2, padding=3),
        POOL,
        ResponseNorm(),
        Conv(64, (1, 1)),
        Conv(192, (3, 3)),
        ResponseNorm(),
        POOL,
    )
    names = [f"inception_{name}/{part}" for name in BLOCKS for part in PARTS]
    return Architecture(
        "bvlc_googlenet",
        stem,
        tuple((f"inception_{name}/output", (_block(name),)) for name in BLOCKS),
        norm=False,
        names=("conv1/7x7_s2", "conv2/3x3_reduce", "conv2/3x3", *names),
        means=MEANS,
        default={"inception_4c/output": 1.0},
        gradient_bytes=1200,
        border=0,
        open_blocks=True,
    )


def _block(name: str) -> Parallel:
    one, three, five, pooled = BLOCKS[name]
    block = Parallel(
        (
            (Conv(one, (1, 1)),),
            (Conv(three[0], (1, 1)), Conv(three[1], (3, 3))),
            (Conv(five[0], (1, 1)), Conv(five[1], (5, 5))),
            (MaxPool(stride=1, before=1, after=1), Conv(pooled, (1, 1))),
        )
    )
    return Parallel(((POOL, block),)) if name in AFTER_POOL else block
