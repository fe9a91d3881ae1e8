"""`deepdream pipe`: the wire protocol, for editors."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from engine import paths
from engine._version import __version__
from engine.cli import options, stopping
from engine.cli.commands.common import begin, configured, open_model, ordered, report_step
from engine.cli.parser import parse_options
from engine.errors import UsageError, WireError
from engine.settings import models, presets
from engine.settings.config import fit_layers
from engine.settings.origin import bare_name
from engine.settings.selectors import layer_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ascent.order import Order
    from engine.cli.reporters import Reporter
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.presets import Preset

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on .npy frames from standard input, for editors"

WIRE: Final = """\
Standard input: one or more .npy version 1 frames, as numpy.save writes them: C order, uint8 (0 to 255) or
little-endian float32 (0 to 1), shape (height, width, 1 to 4): grey, grey and alpha, RGB, RGBA.
Standard output: for each, a frame of the same type and shape. Alpha comes back unchanged, grey is the luma of
the dreamed colours. Floats above 1 or below 0 stay there: the dream's change is added to them.
Standard error: progress, in the form that --progress asks for; json is for programs.
The program exits when input ends after a whole frame. SIGTERM stops it at once, with exit code 130. A
frame that is broken or has more than 400 million pixels stops it with exit code 6. See docs/wire.md for an
example.
"""


LIVE: Final = {"command", "live", "debug", "verbose", "progress", "device", "precision", "threads", "model"}
"""What may be given with --live: all else comes with a request."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pipe`."""
    parser.epilog = WIRE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--abort-on-eof",
        action="store_true",
        help="stop as soon as standard input ends: the caller keeps it open until it has the answer",
    )
    parser.add_argument(
        "--live",
        action="store_true",
        help="for previews: many small dreams, each request with options of its own, the newest wins; takes "
        "only --device, --precision, --threads, --model and --progress",
    )
    options.add_model(parser)
    options.add_dreaming(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Answer each frame on standard input."""
    if arguments.live:
        return _run_live(arguments)
    config = configured(arguments)
    options.tiling(arguments)  # refused before anything is read
    stdin, stdout = _descriptor(sys.stdin, "input"), _descriptor(sys.stdout, "output")
    from engine.pipe.mailbox import Inbox, Outbox, in_background
    from engine.pipe.serve import Progress, serve

    inbox = Inbox(stdin, abort_on_eof=arguments.abort_on_eof)
    with stopping.instead(inbox.stop, always=True):  # a program's second signal means no more than its first
        model = inbox.until(in_background(open_model, arguments, arguments.device, arguments.precision))
        order, warnings = inbox.until(in_background(ordered, arguments, config, model))
        begin(reporter, model, order, warnings, None)
        for event in serve(inbox, Outbox(stdout), model, order, keep_partial=arguments.keep_partial):
            name = str(event.number)
            if isinstance(event, Progress):
                report_step(name, event.step, reporter)
            else:
                reporter.done(name, "-", event.seconds)
    return 0


def _run_live(arguments: argparse.Namespace) -> int:
    """Answer requests on standard input."""
    other = arguments.given - LIVE
    if other:
        word = "--" + min(other).replace("_", "-")
        raise UsageError(f"{word} does not go with --live", hint="send it with each request")
    stdin, stdout = _descriptor(sys.stdin, "input"), _descriptor(sys.stdout, "output")
    from engine.pipe import live

    requests, answers = live.Requests(stdin, ended=lambda: stopping.leave(0)), live.Answers(stdout)
    desk = _Desk(arguments, lambda facts: answers.send(live.Event("model", facts)))
    requests.at_rest = desk.rest
    own, wrong = presets.own()
    taken = {x.name for x in own}
    own += [presets.load(x) for x in presets.names() if x in presets.OF_OTHERS and x not in taken]
    known = {"models": [models.EMBEDDED, *models.kept()], "presets": [_told(x) for x in own]}
    answers.send(live.Event("start", {"protocol": live.PROTOCOL, **desk.facts(), **known}))
    for message in wrong:
        answers.send(live.Event("warning", {"message": message, "hint": ""}))
    if not requests.waiting:
        desk.warm()
    live.serve(requests, answers, desk.prepare)
    return 0


def _told(preset: Preset) -> dict[str, Any]:
    """Return what an editor is told of a preset; `message` and `hint` where the model it needs is missing."""
    about = {
        "name": preset.name, "title": preset.title, "description": preset.description,
        "settings": preset.settings, "needs": preset.needs,
    }  # fmt: skip
    try:
        presets.model_for(preset.name)
    except UsageError as error:
        return {**about, "message": str(error), "hint": error.hint}
    return about


class _Desk:
    """Keeps one model open, which was asked for last, on its device, and what it made of the last guide."""

    def __init__(self, arguments: argparse.Namespace, tell: Callable[[dict[str, object]], object]) -> None:
        """Open the model that the options name; tell: takes the facts of each other one."""
        self._arguments, self._tell = arguments, tell
        self._place = (arguments.model, arguments.device, arguments.precision)
        self._model = open_model(arguments, arguments.device, arguments.precision)
        self._guided: tuple[object, Order] | None = None

    def facts(self) -> dict[str, object]:
        """Return what computes."""
        model = self._model
        return {
            "asked": self._place[0] or "",
            "version": __version__,
            "device": model.device,
            "precision": model.precision,
            "threads": model.threads,
            "model": model.name,
            "model_file": {"name": bare_name(model.name), "sha256": model.sha256},
            "layers": [[x.name, x.channels] for x in model.metadata.layers],
            **({"inside": inside} if (inside := [x.name for x in model.metadata.layers if x.block]) else {}),
        }

    def warm(self) -> None:
        """Open what the default look needs, which the first request most likely does too."""
        look = presets.PRESETS[presets.DEFAULT]
        default = self._model.metadata.default_layers
        config, _ = fit_layers(look, self._model.layer_names, default=default, chosen="nothing")
        self._model.split_for({layer_of(x) for x in config.layers})

    def rest(self) -> None:
        """Give back what the last dreams took."""
        self._model.give_back()

    def prepare(self, words: tuple[str, ...]) -> tuple[DreamModel, Order, tuple[str, ...]]:
        """Return what a request's options ask for; raises DreamError."""
        wanted = parse_options(_add_wanted, words)
        config = configured(wanted)
        wanted.threads = self._arguments.threads
        wanted.model = wanted.model or self._arguments.model or presets.model_for(wanted.preset)
        place = (wanted.model, wanted.device, wanted.precision)
        if place != self._place:
            model = open_model(wanted, wanted.device, wanted.precision)
            self._model.close()
            self._model, self._place = model, place
            self._tell(self.facts())
        return self._model, *self._ordered(wanted, config)

    def _ordered(self, wanted: argparse.Namespace, config: DreamConfig) -> tuple[Order, tuple[str, ...]]:
        """Return the order and warnings; to look at a large guide takes as long as a small dream."""
        key = _guide_of(wanted, config, self._place)
        if key is None or self._guided is None or self._guided[0] != key:
            order, warnings = ordered(wanted, config, self._model)
            self._guided = None if key is None else (key, order)
            return order, warnings
        wanted.guide = None
        order, warnings = ordered(wanted, config, self._model)
        same = self._guided[1]
        return replace(order, guide=same.guide, places=same.places, guide_from=same.guide_from), warnings


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    """Add the options of a request."""
    options.add_which_model(parser)
    options.add_picture(parser)


def _guide_of(wanted: argparse.Namespace, config: DreamConfig, place: tuple[object, ...]) -> object:
    """Return all that decides what a model makes of a guide; None without one, or where it can't be read."""
    if wanted.guide is None:
        return None
    state = paths.state(wanted.guide)
    if state is None:
        return None  # reading it tells why
    layers = {layer_of(selector) for selector, coefficient in config.layers.items() if coefficient}
    return wanted.guide, state, frozenset(layers), config.guide_places, place


def _descriptor(stream: Any, name: str) -> int:
    """Return the descriptor of a standard stream; raise UsageError if it is a terminal, not a program."""
    if stream is None:
        raise WireError(f"standard {name} is closed", hint="start pipe with both standard streams open")
    if stream.isatty():
        hint = "for picture files use deepdream dream; deepdream pipe --help describes frames"
        raise UsageError(f"pipe is for programs, but standard {name} is a terminal", hint=hint)
    return int(stream.fileno())
