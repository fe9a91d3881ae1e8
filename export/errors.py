"""The errors of an export, worded for the user.

ExportError (exit code 1)
├── WeightsError (3)       the weights are missing, unreadable or incomplete
├── ConversionError (4)    TensorFlow's graph could not be converted to valid ONNX
└── VerificationError (5)  the file computes something other than TensorFlow
"""

from __future__ import annotations


class ExportError(Exception):
    """Base of all errors whose cause lies outside the program; `hint` suggests a remedy."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class WeightsError(ExportError):
    """The weights are missing, unreadable, or do not reach the requested layer."""

    exit_code = 3


class ConversionError(ExportError):
    """TensorFlow's graph could not be converted to valid ONNX."""

    exit_code = 4


class VerificationError(ExportError):
    """The file was made, but computes something other than TensorFlow."""

    exit_code = 5
