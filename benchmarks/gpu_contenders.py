"""What works in the processes that gpu.py starts: one contender at one size and precision each."""

from __future__ import annotations

import itertools
import json
import sys
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pictures
import workers
from keras_deep_dream import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

Contender: TypeAlias = "Callable[[NDArray[np.float32], str, str], workers.Step]"
"""Makes a step for a picture [1, H, W, 3], on `cuda` or `cpu`, in float32, TF32, half or float64."""


def work(maker: str, precision: str, device: str, size: int) -> None:
    """Be a worker."""
    step = cache(partial(CONTENDERS[maker], pictures.network_input(size, size), device, precision))

    def answer(question: dict[str, Any]) -> dict[str, Any]:
        match question["do"]:
            case "build":
                step()()
                return {"runtime": runtime()}
            case "save":
                loss, gradient = step()()
                np.savez(question["file"], loss=loss, gradient=as_array(gradient))
                return {}
            case "compare":
                return errors(*step()(), Path(question["file"]))
            case _:
                forget_peak()
                return workers.timed(step(), question["steps"]) | allocated()

    workers.serve(answer)


def runtime() -> str:
    """Return the versions of what this worker computes with."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return (
            f"PyTorch {torch.__version__}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"
        )
    onnxruntime = sys.modules["onnxruntime"]
    return f"ONNX Runtime {onnxruntime.__version__}, {', '.join(onnxruntime.get_available_providers())}"


def as_array(gradient: Any) -> NDArray[np.float64]:
    """Return a gradient, PyTorch's or ONNX Runtime's tensor on any device, as an array."""
    here = gradient.cpu() if hasattr(gradient, "cpu") else gradient
    return np.asarray(here.numpy(), dtype=np.float64)


def errors(loss: float, gradient: Any, reference: Path) -> dict[str, float]:
    """Return relative errors: of the loss, and of the gradient as a vector."""
    with np.load(reference) as truth:
        off = np.linalg.norm(as_array(gradient) - truth["gradient"]) / np.linalg.norm(truth["gradient"])
        return {"loss_error": abs(loss / float(truth["loss"]) - 1), "gradient_error": float(off)}


def forget_peak() -> None:
    """Begin anew with what `allocated` returns: cuDNN's search for algorithms must not count."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def allocated() -> dict[str, float]:
    """Return the most memory that PyTorch's tensors took on the card, in MB, if it is PyTorch that works."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return {}
    return {"allocated_mb": torch.cuda.max_memory_allocated() / 2**20}


def engine_contender(image: NDArray[np.float32], device: str, precision: str) -> workers.Step:
    """Return the engine's loss and gradient; picture and gradient stay on the device, as in a dream."""
    import engine
    from engine.network.contract import CHANNEL_WEIGHTS, GRADIENT, IMAGE, LOSS

    if precision == "TF32" and device == "cpu":  # on CUDA it is what ONNX Runtime does unless told otherwise
        raise ValueError("TF32 is for GPUs")
    model = engine.load_model(device=device, precision="half" if precision == "half" else "full")
    there, weights = model.resident, model.channel_weights(LAYERS)
    feeds = {IMAGE: there.send(image), CHANNEL_WEIGHTS: there.send(weights)}

    def step() -> tuple[float, Any]:
        (gradient,), (loss,) = there.run([GRADIENT], [LOSS], feeds)
        return float(loss[0]), gradient

    return step


def pytorch_contender(
    image: NDArray[np.float32], device: str, precision: str, *, compiled: bool = False
) -> workers.Step:
    """Return PyTorch's loss and gradient, channels last; picture and gradient stay on the device."""
    import torch
    import torch_deep_dream

    tf32 = precision == "TF32"
    if tf32 and device == "cpu":
        raise ValueError("TF32 is for GPUs")
    torch.backends.cuda.matmul.allow_tf32 = tf32
    torch.backends.cudnn.allow_tf32 = tf32
    dtype = {"half": torch.float16, "float64": torch.float64}.get(precision, torch.float32)
    network = torch_deep_dream.build_network(device, dtype)
    gradient = torch_deep_dream.make_gradient(network, compiled=compiled)
    picture = torch.from_numpy(image).to(device)
    calls = itertools.count()

    def step() -> tuple[float, Any]:
        # cuDNN tries its algorithms from the second step on: during the first, others compute too.
        torch.backends.cudnn.benchmark = next(calls) > 0
        loss, raw = gradient(picture)
        if device == "cuda":
            torch.cuda.synchronize()
        return float(loss), raw

    return step


CONTENDERS: dict[str, Contender] = {
    "engine": engine_contender,
    "PyTorch": pytorch_contender,
    "torch.compile": partial(pytorch_contender, compiled=True),
}

if __name__ == "__main__":
    work(**json.loads(sys.argv[1]))
