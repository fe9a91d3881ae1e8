"""The command line: options in, calls out; the only place that prints or exits."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from engine import console, options
from engine._version import __version__
from engine.config import PRESETS, configure, fit_layers
from engine.errors import Cancelled, DeviceError, DreamError, UsageError, WireError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from engine.batch import Event, Progress, Streams
    from engine.config import DreamConfig, Tiling
    from engine.console import Silent
    from engine.model import DreamModel
    from engine.progress import Step

# NumPy, Pillow and ONNX Runtime are imported inside functions: --help and --version do without them.
# ruff: noqa: PLC0415


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code, see `engine.errors`."""
    words = list(sys.argv[1:] if argv is None else argv)
    reporter = console.reporter(
        _wanted_progress(words), verbose="--verbose" in words, debug="--debug" in words
    )
    try:
        with _handling(signal.default_int_handler, signal.SIGTERM):  # ends the work as Ctrl-C does
            arguments = options.parse(words)
            logging.basicConfig(format="deepdream: %(message)s")
            logging.getLogger("engine").setLevel(logging.INFO if arguments.verbose else logging.WARNING)
            return _COMMANDS[arguments.command](arguments, reporter)
    except SystemExit as stop:  # --help, --version
        return int(stop.code or 0)
    except KeyboardInterrupt:
        error: DreamError = Cancelled("cancelled; nothing was written")
    except MemoryError:
        error = DreamError("not enough memory")
    except DreamError as known:
        error = known
    reporter.error(error)
    return error.exit_code


def dream(arguments: argparse.Namespace, reporter: Silent) -> int:
    """Dream on pictures."""
    config = configure(arguments.preset, options.given_settings(arguments))
    tiling = options.tiling(arguments)
    with ThreadPoolExecutor(1) as pool:
        opening = pool.submit(_open_model, arguments, arguments.device, arguments.precision)

        from engine import batch, crew

        streams = batch.Streams(_binary(sys.stdin), _binary(sys.stdout))
        items = batch.plan(arguments.input, arguments.output, overwrite=arguments.overwrite)
    model = opening.result()
    config, warnings = fit_layers(config, model.layer_names, chosen=hasattr(arguments, "layers"))
    shares = crew.share(items, model, tiling, arguments.jobs)
    pictures = sum(isinstance(x, batch.Job) for x in items)
    _begin(reporter, model, config, tiling, warnings, pictures, shares.at_once)
    errors: list[DreamError] = []
    work = crew.Crew(model, config, tiling, streams, shares)
    try:
        with _handling(work.interrupt, signal.SIGTERM, signal.SIGINT):
            for event in work.run(items):
                _report(event, reporter, errors)
    except KeyboardInterrupt:
        unfinished = list(work.unfinished.values())
        if arguments.keep_partial:
            raise _kept(unfinished, model, streams, reporter) from None
        raise _cancelled(unfinished) from None
    codes = {error.exit_code for error in errors}
    return codes.pop() if len(codes) == 1 else int(bool(codes))


def pipe(arguments: argparse.Namespace, reporter: Silent) -> int:
    """Answer the frames on standard input, for editors."""
    config = configure(arguments.preset, options.given_settings(arguments))
    tiling = options.tiling(arguments)
    stdin, stdout = _descriptor(sys.stdin, "input"), _descriptor(sys.stdout, "output")
    from engine.mailbox import Inbox, Outbox, in_background
    from engine.pipe import Progress, serve

    inbox = Inbox(stdin, abort_on_eof=arguments.abort_on_eof)
    with _handling(inbox.stop, signal.SIGTERM, signal.SIGINT):
        opening = in_background(_open_model, arguments, arguments.device, arguments.precision)

        try:
            model = inbox.until(opening)
        except Cancelled as error:
            reporter.error(error)
            os._exit(error.exit_code)  # a thread inside ONNX Runtime crashes if Python ends around it
        config, warnings = fit_layers(config, model.layer_names, chosen=hasattr(arguments, "layers"))
        _begin(reporter, model, config, tiling, warnings, None)
        for event in serve(inbox, Outbox(stdout), model, config, tiling, keep_partial=arguments.keep_partial):
            name = str(event.number)
            if isinstance(event, Progress):
                _report_step(name, event.step, reporter)
            else:
                reporter.done(name, "-", event.seconds)
    return 0


def layers(arguments: argparse.Namespace, _reporter: Silent) -> int:
    """List the model's layers, and what the default preset makes of each."""
    model = _open_model(arguments, "cpu")
    coefficients = PRESETS["keras"].layers
    table = [
        {
            "name": layer.name,
            "channels": layer.channels,
            "stride": layer.stride,
            "coefficient": coefficients.get(layer.name, 0.0),
        }
        for layer in model.metadata.layers
    ]
    if arguments.json:
        console.say(json.dumps(table))
        return 0
    console.say(f"{'layer':<10}{'channels':>10}{'stride':>10}{'coefficient in the preset keras':>34}")
    for row in table:
        console.say(f"{row['name']:<10}{row['channels']:>10}{row['stride']:>10}{row['coefficient']:>34g}")
    return 0


def info(arguments: argparse.Namespace, _reporter: Silent) -> int:
    """Show versions, the devices that really work, and the model's metadata."""
    from engine import machine, tiles
    from engine.config import Tiling

    model = _open_model(arguments, "cpu")
    facts: dict[str, dict[str, Any]] = {
        "versions": _versions(),
        "machine": {"threads": model.threads, "free memory": _gigabytes(machine.available_memory())},
        "devices": {"cpu": "works", "cuda": _cuda_state(arguments)},
        "tiles": tiles.plan(model, Tiling()),
        "model": {"file": model.name, **_plain(model.metadata)},
        "presets": {name: _plain(preset) for name, preset in PRESETS.items()},
    }
    if arguments.json:
        console.say(json.dumps(facts))
        return 0
    for title, entries in facts.items():
        console.say(title)
        for name, value in entries.items():
            console.say(f"  {name:<14} {_readable(value)}")
    return 0


_COMMANDS = {"dream": dream, "layers": layers, "info": info, "pipe": pipe}


def _open_model(arguments: argparse.Namespace, device: str, precision: str = "full") -> DreamModel:
    from engine.model import load_model

    return load_model(arguments.model, device=device, threads=arguments.threads, precision=precision)


def _begin(
    reporter: Silent,
    model: DreamModel,
    config: DreamConfig,
    tiling: Tiling,
    warnings: tuple[str, ...],
    pictures: int | None,
    at_once: int = 1,
) -> None:
    """Report what is going to compute, and what the user should know of it."""
    reporter.start(model, config, tiling, pictures, at_once)
    if model.fallback:
        warnings = (*warnings, f"{model.fallback}: dreaming on the CPU")
    for warning in warnings:
        reporter.warning(warning)


def _report_step(name: str, step: Step, reporter: Silent) -> None:
    for warning in step.warnings:
        reporter.warning(warning, name=name)
    reporter.step(name, step)


def _report(event: Event, reporter: Silent, errors: list[DreamError]) -> None:
    """Hand an event of the batch on to the reporter; collect errors, print written paths."""
    from engine import batch

    match event:
        case batch.Progress(job, step):
            _report_step(job.name, step, reporter)
        case batch.Warned(name, message):
            reporter.warning(message, name=name)
        case batch.Skipped(job):
            reporter.warning(f"{job.output} is there already: skipped", name=job.name, hint="--overwrite")
        case batch.Failed(name, error):
            errors.append(error)
            reporter.error(error, name=name)
        case batch.Done(job, seconds):
            reporter.done(job.name, job.output, seconds)
            if job.target is not None:
                console.say(job.output)


def _cancelled(unfinished: list[Progress]) -> Cancelled:
    """Return the error to end with after an interruption."""
    if not unfinished:
        return Cancelled("cancelled")
    outputs, verb = ", ".join(x.job.output for x in unfinished), "were" if len(unfinished) > 1 else "was"
    hint = "--keep-partial writes the picture so far"
    return Cancelled(f"cancelled; {outputs} {verb} not written", hint=hint)


def _kept(unfinished: list[Progress], model: DreamModel, streams: Streams, reporter: Silent) -> DreamError:
    """Write the pictures so far, as many as can be; return the error to end with."""
    from engine import batch

    reporter.clear()
    kept: list[str] = []
    failure: DreamError | None = None
    for progress in unfinished:
        try:
            batch.keep(progress, model, streams)
        except DreamError as error:
            if failure is not None:
                reporter.error(failure)
            failure = error
            continue
        kept.append(progress.job.output)
        if progress.job.target is not None:
            console.say(progress.job.output)
    verb = "are the pictures" if len(kept) > 1 else "is the picture"
    return failure or Cancelled(f"cancelled; {', '.join(kept)} {verb} so far" if kept else "cancelled")


@contextlib.contextmanager
def _handling(handler: Callable[[int, Any], Any], *signals: signal.Signals) -> Iterator[None]:
    """Give signals a handler for a while, save those that whoever started us wants ignored."""
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield
        return
    before = {x: signal.getsignal(x) for x in signals if signal.getsignal(x) is not signal.SIG_IGN}
    try:
        for which in before:
            signal.signal(which, handler)
        yield
    finally:
        for which, old in before.items():
            signal.signal(which, old)


def _descriptor(stream: Any, name: str) -> int:
    """Return the number of a standard stream that another program is at the other end of."""
    if stream is None:
        raise WireError(f"standard {name} is closed")
    if stream.isatty():
        hint = "deepdream dream dreams on picture files; deepdream pipe --help tells what a frame is"
        raise UsageError(f"pipe talks with programs, and standard {name} is a terminal", hint=hint)
    return int(stream.fileno())


def _wanted_progress(words: list[str]) -> str:
    """Find --progress before the options are read, so that errors in them are reported in that form too."""
    text = " ".join(words).replace("--progress=", "--progress ").split(" ")
    kind = text[text.index("--progress") + 1 :][:1] if "--progress" in text else []
    return kind[0] if kind else "auto"


def _binary(stream: Any) -> Any:
    """Return a text stream's binary side; None where the stream is closed."""
    return getattr(stream, "buffer", None)


def _versions() -> dict[str, str]:
    import platform
    from importlib import metadata

    found = {
        "deepdream": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    for name in ("onnxruntime", "onnxruntime-gpu", "numpy", "pillow"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def _cuda_state(arguments: argparse.Namespace) -> str:
    try:
        return f"works ({_open_model(arguments, 'cuda').device})"
    except DeviceError as error:
        return str(error)


def _gigabytes(count: int | None) -> str:
    return "unknown" if count is None else f"{count / 1e9:.1f} GB"


def _plain(record: Any) -> dict[str, Any]:
    """Return a dataclass of ours as JSON can write it."""
    values = {x.name: getattr(record, x.name) for x in fields(record)}
    for name, value in values.items():
        if isinstance(value, Mapping):
            values[name] = dict(value)
        elif isinstance(value, tuple):
            values[name] = [_plain(x) if is_dataclass(x) else x for x in value]
        elif is_dataclass(value):
            values[name] = _plain(value)
    return values


def _readable(value: Any) -> str:
    if isinstance(value, dict):
        return (
            value["name"] if "name" in value else ", ".join(f"{k} {_readable(v)}" for k, v in value.items())
        )
    return " ".join(map(_readable, value)) if isinstance(value, list) else str(value)
