"""Compares a converted model with TensorFlow and float64, and rejects it if it is wrong.

Every picture is computed three times: by the file in ONNX Runtime (float32), by Keras' own network in
TensorFlow in float32, and by the same in float64, which counts as the truth.  The gradient of a network of
ReLUs and max pools jumps where two values nearly tie, so any float32 computation may happen to be off by 3e-3
on one picture and by 1e-6 on another.  The limit therefore applies to a median over many pictures: how many
times further off the file is than TensorFlow.  The pictures are small, so that most of them have no
near-ties.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Protocol

import numpy as np

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # read at the import: engine/network/ort.py
import onnxruntime

from engine.network import contract as metadata
from export.errors import ConversionError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from export.cases import Case

    Array = NDArray[np.floating]

LOSS_BAR = 1e-5
"""Largest relative difference from TensorFlow's loss, and from all its energies together (L2)."""

GRADIENT_BAR = 1.5
"""The file's gradient error may be, in the median over all pictures, this many times TensorFlow's own."""

WRONG = 0.1
"""A gradient further than this from float64 (relative L2) is wrong, whatever the median.

A single near-tie that float32 decides the other way accounts for up to 0.03.
"""


class Compute(Protocol):
    """Anything that computes loss [N], gradient [N, H, W, 3] and energies [N, C] of docs/model-file.md."""

    def __call__(self, image: Array, channel_weights: Array, /) -> tuple[Array, Array, Array]:
        """Compute for an image [N, H, W, 3] and channel weights [C]."""


@dataclass(frozen=True)
class Row:
    """The measurements on one case; errors are relative L2 norms."""

    case: Case
    loss: float
    """Mean over the batch, in float64."""

    loss_error: float
    """Of the file, relative to TensorFlow in float32."""

    energies_error: float
    """Of the file, relative to TensorFlow in float32."""

    gradient_error: float
    """Of the file, relative to float64."""

    tensorflow_error: float
    """Of TensorFlow's own gradient in float32, relative to float64."""

    @property
    def ratio(self) -> float:
        """How many times as far from float64 as TensorFlow's gradient the file's is."""
        return self.gradient_error / max(self.tensorflow_error, 1e-30)


def ort_compute(model: bytes) -> Compute:
    """Open a model in ONNX Runtime on the CPU.  Raises ConversionError if it can't be opened."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    # TensorFlow computes in turns with it: threads that spin would take its processors.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the errors of onnxruntime have no other common base class
        raise ConversionError(f"ONNX Runtime refuses the model: {error}") from error

    def compute(image: Array, channel_weights: Array, /) -> tuple[Array, Array, Array]:
        feed = {metadata.IMAGE: image, metadata.CHANNEL_WEIGHTS: channel_weights}
        loss, gradient, energies = session.run(list(metadata.OUTPUTS), feed)
        return loss, gradient, energies

    return compute


def measure(cases: Sequence[Case], model: Compute, tensorflow: Compute, truth: Compute) -> Iterator[Row]:
    """Compute every case in the three ways and yield the measurements."""
    for case in cases:
        loss, gradient, energies = model(case.image, case.channel_weights)
        tf_loss, tf_gradient, tf_energies = tensorflow(case.image, case.channel_weights)
        true_loss, true_gradient, _ = truth(case.image, case.channel_weights)
        yield Row(
            case,
            float(true_loss.mean()),
            loss_error=float(np.max(np.abs(loss - tf_loss) / np.maximum(np.abs(tf_loss), 1e-30))),
            energies_error=relative_error(energies, tf_energies),
            gradient_error=relative_error(gradient, true_gradient),
            tensorflow_error=relative_error(tf_gradient, true_gradient),
        )


def relative_error(found: Array, truth: Array) -> float:
    """Return |found - truth| / |truth| in L2, in float64; infinity if the shapes differ."""
    if found.shape != truth.shape:
        return float("inf")
    truth = truth.astype(np.float64)
    distance, size = np.linalg.norm(found - truth), np.linalg.norm(truth)
    return float(distance / size) if size else float(distance)


def judge(rows: Sequence[Row]) -> None:
    """Raise VerificationError, naming the cases, if a limit is exceeded."""
    faults = []
    for row in rows:
        where = f"{row.case.picture}, {row.case.objective}"
        # Written so that NaN fails as well.
        if not (row.loss_error <= LOSS_BAR and row.energies_error <= LOSS_BAR):
            faults.append(f"{where}: loss or energies differ from TensorFlow's by more than {LOSS_BAR:g}")
        if not row.gradient_error <= WRONG:
            faults.append(f"{where}: the gradient is off by {row.gradient_error:.2g}")
    ratio = median_ratio(rows)
    if not ratio <= GRADIENT_BAR:
        faults.append(f"in the median, the gradient error is {ratio:.2f} times TensorFlow's")
    if faults:
        raise VerificationError("the model does not compute what TensorFlow does: " + "; ".join(faults))


def median_errors(rows: Sequence[Row]) -> tuple[float, float]:
    """Return the median gradient errors of the file and of TensorFlow, both relative to float64."""
    return median(row.gradient_error for row in rows), median(row.tensorflow_error for row in rows)


def median_ratio(rows: Sequence[Row]) -> float:
    """Return the median over all cases of `Row.ratio`."""
    return median(row.ratio for row in rows)


HEADER = (
    f"{'picture':<21} {'size':>11}  {'objective':<22} {'loss':>9}  "
    f"{'loss error':>10}  {'gradient error':>14}  {'TensorFlow’s':>12}  {'ratio':>8}"
)


def table_line(row: Row) -> str:
    """Format one row for the table that `python -m export` prints."""
    count, height, width, _ = row.case.image.shape
    size = f"{count}x{width}x{height}" if count > 1 else f"{width}x{height}"
    return (
        f"{row.case.picture:<21} {size:>11}  {row.case.objective:<22} {row.loss:>9.5f}  "
        f"{row.loss_error:>10.1e}  {row.gradient_error:>14.1e}  {row.tensorflow_error:>12.1e}  "
        f"{row.ratio:>8.2g}"
    )
