"""`python -m export`: weights in, verified model file out.  The only place here that prints."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine._version import __version__
from export.architecture import inception_v3
from export.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from export.architecture import Architecture
    from export.weights import Weights

EPILOG = """\
SOURCE is one of
  FILE.npz       8-bit weights as this project ships them, up to mixed5:
                 export/weights/inception_v3_imagenet_mixed5_uint8.npz
  imagenet       the full-precision weights that keras.applications downloads, up to mixed10
  FILE.h5, FILE.keras
                 weights of keras.applications.InceptionV3 that you have, with or without top
  random:SEED    an untrained network, for tests

A model is held against TensorFlow and float64 before it is written; where it fails, nothing is written.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the export and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        run(options.weights, options.until, Path(options.output), half=options.half_weights)
    except ExportError as error:
        say(f"export: error: {error}")
        if error.hint:
            say(f"  {error.hint}")
        return error.exit_code
    except KeyboardInterrupt:
        say("export: cancelled, nothing was written")
        return 130
    return 0


def run(source: str, until: str | None, output: Path, *, half: bool = False) -> None:
    """Load, convert, verify and write.  Raises ExportError where one of them fails."""
    _check_output(output)
    try:
        with _quiet_tensorflow():
            import tensorflow as tf  # noqa: F401, PLC0415 - takes seconds
        from export.convert import convert  # noqa: PLC0415 - behind TensorFlow
        from export.sources import load  # noqa: PLC0415
    except ImportError as error:
        raise ExportError(
            f"the export needs TensorFlow, tf2onnx and onnx: {error}", 'pip install "deepdream-onnx[export]"'
        ) from error
    architecture = inception_v3()
    weights = load(source, architecture)
    architecture = architecture.until(until or weights.deepest(architecture))
    weights = weights.fit(architecture)
    if half:
        weights = weights.halved()
    say(f"{architecture.name} until {architecture.layers[-1]}, weights {weights.source}")
    started = time.monotonic()
    model = convert(architecture, weights).SerializeToString()
    say(f"converted in {time.monotonic() - started:.1f} s, {len(model) / 1e6:.1f} MB; verifying")
    _verify(model, architecture, weights)
    _write(output, model)
    say("verified; written to:")
    print(output)  # noqa: T201 - the result, for a script to read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Make an ONNX file that gives loss and gradient of InceptionV3's layers, for dreaming.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    layers = inception_v3().layers
    parser.add_argument("--weights", required=True, metavar="SOURCE", help="where the weights come from")
    parser.add_argument(
        "--until",
        choices=layers,
        metavar="LAYER",
        help=f"deepest layer, {layers[0]} … {layers[-1]} (default: as deep as the weights go)",
    )
    parser.add_argument("--output", "-o", required=True, metavar="FILE", help="the .onnx file to write")
    parser.add_argument(
        "--half-weights", action="store_true", help="store float weights as float16: half the size"
    )
    parser.add_argument("--version", action="version", version=f"deepdream-onnx {__version__}")
    return parser


def _check_output(output: Path) -> None:
    """Refuse, before minutes of work, an output that can't be written."""
    if output.is_dir():
        raise ExportError(f"{output} is a folder", "give the name of a file, such as model.onnx")
    if not output.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {output.parent}", "create it, or write elsewhere")
    if not os.access(output.absolute().parent, os.W_OK):
        raise ExportError(f"the folder {output.parent} can't be written to")


def _verify(model: bytes, architecture: Architecture, weights: Weights) -> None:
    """Print the table of export/verify.py as it grows.  Raises VerificationError where a bar is not met."""
    from export import verify  # noqa: PLC0415 - after TensorFlow's presence is known
    from export.reference import KerasReference  # noqa: PLC0415

    channels = architecture.channels()
    tensorflow = KerasReference(weights, channels, "float32")
    truth = KerasReference(weights, channels, "float64")
    rows = []
    say(verify.HEADER)
    cases = verify.cases(architecture)
    for row in verify.measure(cases, verify.ort_compute(model), tensorflow, truth):
        say(verify.table_line(row))
        rows.append(row)
    ratio = verify.median_ratio(rows)
    say(f"median over {len(rows)} cases: {ratio:.2f} times as far from float64 as TensorFlow’s own gradient")
    ours, theirs = verify.median_errors(rows)
    say(f"medians of the gradient errors: {ours:.1e}, TensorFlow’s own {theirs:.1e}")
    verify.judge(rows)


def _write(output: Path, model: bytes) -> None:
    """Write beside, then rename: the file appears whole or not at all."""
    beside = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        beside.write_bytes(model)
        beside.replace(output)
    except OSError as error:
        raise ExportError(f"{output} can't be written: {error.strerror}") from error
    finally:
        beside.unlink(missing_ok=True)


@contextmanager
def _quiet_tensorflow() -> Iterator[None]:
    """Keep TensorFlow's start-up messages and a GPU's memory out of the way.

    Some messages come from C++ before its log level is read, so file descriptor 2 itself is turned away.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def say(text: str) -> None:
    """Print a line for the person who waits, on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is where it is printed
