"""`python -m export`: weights in, verified model file out.  The only module in this package that prints."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine._version import __version__
from engine.weights.filling import fill
from engine.weights.templates import SUFFIX
from export.architecture import inception_v3
from export.errors import ExportError
from export.googlenet import bvlc_googlenet
from export.networks import NETWORKS as READ

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from export.architecture import Architecture
    from export.cases import Case
    from export.verify import Compute
    from export.weights import Weights

NETWORKS = {"inception_v3": inception_v3, "bvlc_googlenet": bvlc_googlenet}

TEMPLATE_SEEDS = (1, 2, 3)
"""Of the random weights that a template is verified with."""

EPILOG = """\
SOURCE is one of
  FILE.npz       the 8-bit weights that come with this project, up to mixed5:
                 export/weights/inception_v3_imagenet_mixed5_uint8.npz
  imagenet       the full-precision weights that keras.applications downloads, up to mixed10
  FILE.h5, FILE.keras
                 your own weights of keras.applications.InceptionV3, with or without the top
  random:SEED    an untrained network, for tests

The model is compared with TensorFlow and float64 before it is written. If it fails, nothing is written.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the export and return the exit code."""
    options = _options(arguments)
    try:
        if options.template:
            run_template(options.network, Path(options.output or default_template(options.network)))
        else:
            run(options.weights, options.until, Path(options.output), half=options.half_weights)
    except ExportError as error:
        say(f"export: error: {error}")
        if error.hint:
            say(f"  {error.hint}")
        return error.exit_code
    except KeyboardInterrupt:
        say("export: cancelled; nothing was written")
        return 130
    return 0


def run(source: str, until: str | None, output: Path, *, half: bool = False) -> None:
    """Load, convert, verify and write.  Raises ExportError if any of these fails."""
    _check_output(output)
    _load_tensorflow()
    from export.convert import convert  # noqa: PLC0415 - imports TensorFlow
    from export.sources import load  # noqa: PLC0415 - after TensorFlow

    architecture = inception_v3()
    weights = load(source, architecture)
    architecture = architecture.until(until or weights.deepest(architecture))
    weights = weights.fit(architecture)
    if half:
        weights = weights.halved()
    say(f"{architecture.name} up to {architecture.layers[-1]}, weights: {weights.source}")
    started = time.monotonic()
    model = convert(architecture, weights).SerializeToString()
    say(f"converted in {time.monotonic() - started:.1f} s, {len(model) / 1e6:.1f} MB; verifying …")
    _verify(model, architecture, weights)
    _finish(output, model)


def run_template(network: str, output: Path) -> None:
    """Make a network's template, verify it with several weights and write it.  Raises ExportError."""
    _check_output(output)
    _load_tensorflow()
    from export.template import filled, make_template, pack  # noqa: PLC0415 - imports TensorFlow
    from export.weights import random_weights  # noqa: PLC0415 - after TensorFlow

    if network in READ:
        _run_read_template(network, output)
        return
    architecture = NETWORKS[network]()
    template = make_template(architecture)
    packed = pack(template)
    say(f"{network} up to {architecture.layers[-1]}, {len(packed) / 1e6:.2f} MB; verifying …")
    for seed in TEMPLATE_SEEDS:
        weights = random_weights(str(seed), architecture)
        say(f"filled with {weights.source}:")
        _verify(filled(template, architecture, weights), architecture, weights)
    _finish(output, packed)


def _run_read_template(network: str, output: Path) -> None:
    """Make the template of a network whose graph is Keras' own, with fewer pictures."""
    from export.applications import build, references  # noqa: PLC0415 - imports TensorFlow
    from export.cases import make_cases  # noqa: PLC0415 - after TensorFlow
    from export.reading import read_network  # noqa: PLC0415 - after TensorFlow
    from export.template import pack, template_of  # noqa: PLC0415 - after TensorFlow

    row, keras_model = READ[network], build(network)
    described = read_network(keras_model, network, row)
    template = template_of(described, keras_model, row.published)
    packed = pack(template)
    say(f"{network} up to {described.layers[-1]}, {len(packed) / 1e6:.3f} MB; verifying …")
    cases = make_cases(described, turned=False)
    for weights, tensorflow, truth in references(network, described.channels(), TEMPLATE_SEEDS):
        say(f"filled with {weights.source}:")
        _compare(fill(template, weights), cases, tensorflow, truth)
    _finish(output, packed)


def default_template(network: str) -> Path:
    """Return where the engine looks for a network's template."""
    return Path(__file__).parents[1] / "engine" / "templates" / f"{network}{SUFFIX}"


def _load_tensorflow() -> None:
    """Import what the export needs.  Raises ExportError where it is not installed."""
    try:
        with _quiet_tensorflow():
            import tensorflow as tf  # noqa: F401, PLC0415 - takes seconds
        import export.convert  # noqa: F401, PLC0415 - imports tf2onnx and onnx
    except ImportError as error:
        raise ExportError(
            f"the export needs TensorFlow, tf2onnx and onnx: {error}", 'pip install "deepdream-onnx[export]"'
        ) from error


def _finish(output: Path, content: bytes) -> None:
    _write(output, content)
    say("verified and written to:")
    print(output)  # noqa: T201 - the result, for scripts to read


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; exit with a message where the options do not go together."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.template and (options.weights or options.until or options.half_weights):
        parser.error(
            "--template takes --network and --output only: weights and layers come when it is filled"
        )
    if not options.template and not (options.weights and options.output):
        parser.error("the following arguments are required: --weights, --output/-o (or --template)")
    if not options.template and options.network not in NETWORKS:
        parser.error(
            f"of {options.network} there is a template only: "
            f"deepdream model make --network {options.network} --weights FILE fills it"
        )
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export",
        description="Make an ONNX file that computes the loss and gradient of InceptionV3, for dreaming.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    layers = inception_v3().layers
    parser.add_argument("--weights", metavar="SOURCE", help="where to take the weights from")
    parser.add_argument(
        "--until",
        choices=layers,
        metavar="LAYER",
        help=f"deepest layer to include, {layers[0]} … {layers[-1]} (default: as deep as the weights go)",
    )
    parser.add_argument(
        "--output",
        "-o",
        metavar="FILE",
        help="the .onnx file to write (default of a template: its place in engine/templates)",
    )
    parser.add_argument(
        "--template",
        action="store_true",
        help="make the graph with its gradient, up to the last layer, without weights: an engine fills it",
    )
    parser.add_argument(
        "--network",
        choices=(*NETWORKS, *READ),
        default="inception_v3",
        help="the network (default: %(default)s)",
    )
    parser.add_argument(
        "--half-weights", action="store_true", help="store float weights as float16, which halves the file"
    )
    parser.add_argument("--version", action="version", version=f"deepdream-onnx {__version__}")
    return parser


def _check_output(output: Path) -> None:
    """Check that the output can be written, before minutes of work are spent."""
    if output.is_dir():
        raise ExportError(f"{output} is a folder", "give a file name, such as model.onnx")
    if not output.absolute().parent.is_dir():
        raise ExportError(f"there is no folder {output.parent}", "create it or choose another")
    if not os.access(output.absolute().parent, os.W_OK):
        raise ExportError(f"the folder {output.parent} is not writable")


def _verify(model: bytes, architecture: Architecture, weights: Weights) -> None:
    """Print the table of export/verify.py row by row.  Raises VerificationError if a limit is exceeded."""
    from export.cases import make_cases  # noqa: PLC0415 - once TensorFlow is known to be installed
    from export.reference import reference  # noqa: PLC0415 - after TensorFlow

    tensorflow = reference(architecture, weights, "float32")
    truth = reference(architecture, weights, "float64")
    _compare(model, make_cases(architecture), tensorflow, truth)


def _compare(model: bytes, cases: Sequence[Case], tensorflow: Compute, truth: Compute) -> None:
    from export import verify  # noqa: PLC0415 - once TensorFlow is known to be installed

    rows = []
    say(verify.HEADER)
    for row in verify.measure(cases, verify.ort_compute(model), tensorflow, truth):
        say(verify.table_line(row))
        rows.append(row)
    ratio = verify.median_ratio(rows)
    say(f"median over {len(rows)} cases: {ratio:.2f} times as far from float64 as TensorFlow’s own gradient")
    ours, theirs = verify.median_errors(rows)
    say(f"median gradient errors: {ours:.1e}, TensorFlow’s own {theirs:.1e}")
    verify.judge(rows)


def _write(output: Path, model: bytes) -> None:
    """Write to a temporary file and rename it, so that the output appears whole or not at all."""
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

    C++ prints some messages before it reads the log level, so file descriptor 2 itself is redirected.
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
    """Print a line about progress on stderr."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this module prints
