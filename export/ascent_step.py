"""The graph of one ascent step: from an image, its gradient and a step size to the next image.

An engine that keeps its pictures on a GPU runs this graph there, between two runs of the model.  It has no
weights and is independent of the network.  `python -m export.ascent_step` writes it to
engine/models/ascent_step.onnx.
"""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import parser

from engine.network import contract as metadata

EPSILON = 1e-12
"""Smallest mean that a gradient is divided by; `engine.ascent.ascent` has the same value and explains it."""

OUTPUT = Path(__file__).parents[1] / "engine" / "models" / "ascent_step.onnx"

GRAPH = f"""
<ir_version: 8, opset_import: ["" : 18]>
ascent_step (float[N, H, W, 3] {metadata.IMAGE}, float[N, H, W, 3] {metadata.GRADIENT}, float {metadata.STEP})
    => (float[N, H, W, 3] {metadata.NEXT}, float {metadata.MEAN})
<float epsilon = {{{EPSILON}}}, int64[2] along_a_row = {{2, 3}}>
{{
    size = Abs({metadata.GRADIENT})
    row_means = ReduceMean<keepdims=0>(size, along_a_row)
    {metadata.MEAN} = ReduceMean<keepdims=0>(row_means)
    divisor = Max({metadata.MEAN}, epsilon)
    scale = Div({metadata.STEP}, divisor)
    change = Mul({metadata.GRADIENT}, scale)
    {metadata.NEXT} = Add({metadata.IMAGE}, change)
}}
"""
"""The mean is taken in two stages: a single float32 sum over 12 megapixels is off by 0.1 to 4 %."""


def build() -> bytes:
    """Return the content of the model file; it is the same on every call."""
    model = parser.parse_model(GRAPH)
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


if __name__ == "__main__":
    OUTPUT.write_bytes(build())
