"""What can go wrong in an export, for a user to read.

ExportError (exit code 1)
├── WeightsError (3)       the weights are missing, unreadable or too few
├── ConversionError (4)    TensorFlow's graph did not become a valid ONNX file
└── VerificationError (5)  the file computes something else than TensorFlow
"""

from __future__ import annotations


class ExportError(Exception):
    """Base of all errors whose cause lies outside the program; `hint` names a way out."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class WeightsError(ExportError):
    """The weights are missing, unreadable or too few for the wanted layer."""

    exit_code = 3


class ConversionError(ExportError):
    """TensorFlow's graph did not become a valid ONNX file."""

    exit_code = 4


class VerificationError(ExportError):
    """The file was made, but computes something else than TensorFlow."""

    exit_code = 5
