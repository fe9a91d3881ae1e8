"""What test_real_webgpu.py looks at, computed on a GPU in software: python -m … FOLDER.

One process for all of it, since each compiles the GPU's programs anew.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import numpy as np
from onnx import parser

import engine
from engine.errors import DreamError
from engine.network import gpus, ort, webgpu
from engine.network.chains import chained
from engine.network.model import ASCENT_STEP, _embedded, load_model
from tests.engine.conftest import TINY

LAYERS = {"mixed0": 1.0, "mixed1": 0.5}
QUICK = {"preset": "keras", "layers": LAYERS, "octaves": 2, "iterations": 1, "max_loss": None}
LARGE = """
<ir_version: 8, opset_import: ["" : 18]>
large (float[1] x) => (float[1] y) <int64[1] size = {SIZE}> { all = Expand(x, size) y = ReduceMax(all) }
"""


def main(folder: Path) -> None:
    """Write arrays and facts into a folder."""
    model = load_model(TINY, device="webgpu")
    compare, arrays = gpus._compare, {}

    def comparing(*given: object) -> None:
        arrays["gradient"], arrays["image"] = given[5], given[4]["image"]
        compare(*given)

    gpus._compare = comparing
    embedded = load_model(device="webgpu")  # which computes one gradient, to see whether it is right
    arrays |= {f"dream {i}": dreamed(model, (40, 32)) for i in range(2)}
    np.savez(folder / "arrays.npz", **arrays)
    refused = expanded(model, 2**31)  # 8 GB; before the log is read
    at_once = expanded(model, 3)
    model.renew()
    embedded.renew()
    facts = {
        "device": model.device,
        "kind": model.adapter.kind,
        "largest": model.adapter.largest,
        "placed": {name: placements(x) for name, x in contents(embedded).items()},
        "too large": refused,
        "at once after it": at_once,
        "opened anew": expanded(model, 3),
    }
    (folder / "facts.json").write_text(json.dumps(facts))


def photograph(size: tuple[int, int]) -> np.ndarray:
    """Return a small photograph."""
    from PIL import Image

    path = Path(__file__).parents[3] / "examples" / "dogs.jpg"
    return np.asarray(Image.open(path).convert("RGB").resize(size))


def dreamed(model: engine.DreamModel, size: tuple[int, int], **settings: object) -> np.ndarray:
    """Return a dream on a photograph."""
    return np.asarray(engine.dream(photograph(size), model=model, **{**QUICK, **settings}).image)


def contents(model: engine.DreamModel) -> dict[str, bytes]:
    """Return the graphs that are opened on a GPU."""
    from engine.network.session import whole

    content = whole(model.content, "", model.metadata)
    return {"as it is": content, "model": chained(content), "step": _embedded(ASCENT_STEP)}


def placements(content: bytes) -> dict[str, list[str]]:
    """Return which operations ONNX Runtime places on what, from its log."""
    runtime, said = ort.load(), []
    found = webgpu.find(runtime, software=True)
    runtime.set_default_logger_callback(lambda *words: said.append(words[-1]), 0)
    options = runtime.SessionOptions()
    options.log_severity_level, options.log_verbosity_level = 0, 1
    options.add_provider_for_devices([found.device], {})
    runtime.InferenceSession(content, options, enable_fallback=0)
    runtime.set_default_logger_callback(webgpu.faults.hear, ort.ERROR)
    placed: dict[str, list[str]] = {}
    where = ""
    for line in "\n".join(said).splitlines():
        everything = re.search(r"All nodes placed on \[(\w+)\]", line)
        begins = re.search(r"Node\(s\) placed on \[(\w+)\]", line)
        node = re.match(r"\s+(\w+) \(", line)
        if everything:
            placed[everything[1]] = ["all"]
        if begins:
            where = begins[1]
            placed.setdefault(where, [])
        elif where and node:
            placed[where].append(node[1])
        elif not node:
            where = ""
    return placed


def expanded(model: engine.DreamModel, size: int) -> str:
    """Return the largest of so many ones, on the GPU where the model is, or what is said instead."""
    content = parser.parse_model(LARGE.replace("SIZE", str(size))).SerializeToString()
    try:
        large = model._session.resident_beside(content, "a large one")
        return f"{large.run([], ['y'], {'x': large.send(np.ones(1, np.float32))})[1]}"
    except DreamError as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
    os._exit(0)  # the plug-in crashes at the end of a process that has read its whole log
