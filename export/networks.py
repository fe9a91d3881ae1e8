"""The networks of keras.applications that templates are made of, besides InceptionV3: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.weights.instructions import Published
from export.operations import IMAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/"


@dataclass(frozen=True)
class Row:
    """What the exporter must know of a network that Keras itself does not say."""

    keras: str
    """What keras.applications calls it."""

    preprocessing: str
    """`tf`, `caffe` or `torch`, as its `preprocess_input` does it: see export/operations.py."""

    layers: tuple[str, ...]
    """Layers to dream on, shallow to deep."""

    default: Mapping[str, float]
    """Layers of a dream for which nobody has chosen any."""

    published: Published
    """As keras/src/applications has them; https://keras.io/api/applications/ names the licences."""

    gradient_bytes: int = 0
    """Bytes per pixel that loss and gradient take on a CPU: the larger of what benchmarks/networks.py
    measures and all outputs together; but for VGG, half as much again for windows of other sizes."""

    stem: str = IMAGE
    """Up to it the network is computed in small tiles."""


def _published(path: str, md5: str, licence: str) -> Published:
    """Return where Keras has weights; of some it states no hash, and these are not fetched."""
    return Published(f"{ADDRESS}{path}", f"md5:{md5}" if md5 else "", licence)


def _vgg(*convolutions: int) -> tuple[str, ...]:
    """Return the layers of a VGG net behind its stem; it has so many convolutions in each block."""
    return tuple(
        f"block{block}_conv{number}"
        for block, count in enumerate(convolutions, 2)
        for number in range(1, count + 1)
    )


def _resnet(*blocks: int) -> tuple[str, ...]:
    """Return the outputs of a residual net's blocks; it has so many in each stage."""
    return tuple(
        f"conv{stage}_block{number}_out"
        for stage, count in enumerate(blocks, 2)
        for number in range(1, count + 1)
    )


NOTOP = "_weights_tf_dim_ordering_tf_kernels_notop.h5"

NETWORKS: dict[str, Row] = {
    "vgg16": Row(
        "VGG16", "caffe", _vgg(2, 3, 3, 3), {"block4_conv3": 1.0, "block5_conv1": 1.0},
        _published(f"vgg16/vgg16{NOTOP}", "6d6bbae143d832006294945121d1f1fc", "CC BY 4.0"),
        gradient_bytes=3100, stem="block1_pool",
    ),
    "vgg19": Row(
        "VGG19", "caffe", _vgg(2, 4, 4, 4), {"block4_conv4": 1.0, "block5_conv1": 1.0},
        _published(f"vgg19/vgg19{NOTOP}", "253f8cb515780f3b799900260a226db6", "CC BY 4.0"),
        gradient_bytes=3500, stem="block1_pool",
    ),
    "resnet50": Row(
        "ResNet50", "caffe", _resnet(3, 4, 6, 3), {"conv3_block4_out": 1.0, "conv4_block3_out": 1.0},
        _published(f"resnet/resnet50{NOTOP}", "4d473c1dd8becc155b73f8504c6f6626", "MIT"),
        gradient_bytes=3400,
    ),
    "resnet50v2": Row(
        "ResNet50V2", "tf", (*_resnet(3, 4, 6, 3), "post_relu"),
        {"conv3_block4_out": 1.0, "conv4_block3_out": 1.0},
        _published(f"resnet/resnet50v2{NOTOP}", "fac2f116257151a9d068a22e544a4917", "Apache-2.0"),
        gradient_bytes=3500,
    ),
    "densenet121": Row(
        "DenseNet121", "torch",
        (
            "conv2_block3_concat", "pool2_relu", "conv3_block6_concat", "pool3_relu",
            "conv4_block6_concat", "conv4_block12_concat", "conv4_block18_concat", "pool4_relu",
            "conv5_block8_concat", "relu",
        ),
        {"pool3_relu": 1.0, "conv4_block12_concat": 1.0},
        _published(f"densenet/densenet121{NOTOP}", "30ee3e1110167f948a6b9946edeeb738", "BSD-3-Clause"),
        gradient_bytes=5700,
    ),
    "mobilenet_v2": Row(
        "MobileNetV2", "tf",
        (*(f"block_{x}_expand_relu" for x in range(1, 17)), "out_relu"),
        {"block_6_expand_relu": 1.0, "block_11_expand_relu": 1.0},
        _published(
            "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5", "", "Apache-2.0"
        ),
        gradient_bytes=2600,
    ),
    "xception": Row(
        "Xception", "tf",
        (
            "block1_conv2_act", *(f"block{x}_sepconv1_act" for x in range(3, 15)), "block14_sepconv2_act",
        ),
        {"block4_sepconv1_act": 1.0, "block9_sepconv1_act": 1.0},
        _published(f"xception/xception{NOTOP}", "b0042744bf5b25fce3cb969f33bebb97", "MIT"),
        gradient_bytes=4500,
    ),
    "inception_resnet_v2": Row(
        "InceptionResNetV2", "tf",
        (
            "mixed_5b", "block35_5_ac", "block35_10_ac", "mixed_6a",
            *(f"block17_{x}_ac" for x in (5, 10, 15, 20)), "mixed_7a", "block8_5_ac", "block8_9_ac",
            "conv_7b_ac",
        ),
        {"block35_10_ac": 1.0, "mixed_6a": 2.0},
        _published(
            f"inception_resnet_v2/inception_resnet_v2{NOTOP}", "d19885ff4a710c122648d3b5c3b684e4",
            "Apache-2.0",
        ),
        gradient_bytes=5600,
    ),
}  # fmt: skip
