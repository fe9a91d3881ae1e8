"""Parts of a model, open on the CPU, that pass tensors to each other as the runtime holds them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.network import ort
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engine.stop import Stop


@dataclass(frozen=True)
class Fragment:
    """A part of a model, open on the CPU.  Tensors go in and out as the runtime holds them, uncopied."""

    _session: Any = field(repr=False)

    @property
    def output_shapes(self) -> list[list[int]]:
        """Shapes of the outputs, where the sizes of the inputs were given as numbers."""
        return [list(x.shape) for x in self._session.get_outputs()]

    def run(self, outputs: Sequence[str], feeds: Mapping[str, Any], stop: Stop = NEVER) -> list[Any]:
        """Compute `outputs` from tensors made by `as_tensor` or by another fragment."""
        with ort.running("cpu", _bytes(feeds), stop) as options:
            results: list[Any] = self._session.run_with_ort_values(list(outputs), dict(feeds), options)
            return results

    def run_into(self, outputs: Mapping[str, Any], feeds: Mapping[str, Any], stop: Stop = NEVER) -> None:
        """Compute into tensors that exist already."""
        with ort.running("cpu", _bytes(feeds), stop) as options:
            binding = self._session.io_binding()
            for name, tensor in feeds.items():
                binding.bind_ortvalue_input(name, tensor)
            for name, tensor in outputs.items():
                binding.bind_ortvalue_output(name, tensor)
            self._session.run_with_iobinding(binding, options)


def _bytes(tensors: Mapping[str, Any]) -> int:
    """Count the bytes of float32 tensors."""
    return sum(4 * math.prod(x.shape()) for x in tensors.values())


def open_fragment(content: bytes, threads: int) -> Fragment:
    """Open a part of a model on the CPU; all fragments share one pool of memory."""
    runtime = ort.load()
    ort.share_memory(runtime)
    return Fragment(ort.create(runtime, content, "a part of the model", [ort.CPU], threads, shared=True))


def as_tensor(array: NDArray[np.float32]) -> Any:
    """Hand an array to the runtime, which reads it where it is."""
    return ort.load().OrtValue.ortvalue_from_numpy(array)


def as_array(tensor: Any) -> NDArray[np.float32]:
    """Return a tensor's content."""
    array: NDArray[np.float32] = tensor.numpy()
    return array
