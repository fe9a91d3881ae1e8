"""`deepdream pipe`: the wire protocol, for editors."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

from engine.cli import options, stopping
from engine.cli.commands.common import begin, configured, open_model, ordered, report_step
from engine.errors import UsageError, WireError

if TYPE_CHECKING:
    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream on .npy frames from standard input, for editors"

WIRE: Final = """\
Standard input: one or more .npy version 1 frames, as numpy.save writes them: C order, uint8 (0 to 255) or
little-endian float32 (0 to 1), shape (height, width, 1 to 4): grey, grey and alpha, RGB, RGBA.
Standard output: for each, a frame of the same type and shape. Alpha comes back unchanged, grey is the luma of
the dreamed colours. Floats above 1 or below 0 stay there: the dream's change is added to them.
Standard error: progress, in the form that --progress asks for; json is for programs.
The program exits when input ends after a whole frame. SIGTERM stops it within one step, with exit code 130. A
frame that is broken or has more than 400 million pixels stops it with exit code 6. See docs/wire.md for an
example.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `pipe`."""
    parser.epilog = WIRE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "--abort-on-eof",
        action="store_true",
        help="stop as soon as standard input ends: the caller keeps it open until it has the answer",
    )
    options.add_model(parser)
    options.add_dreaming(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """Answer each frame on standard input."""
    config = configured(arguments)
    options.tiling(arguments)  # refused before anything is read
    stdin, stdout = _descriptor(sys.stdin, "input"), _descriptor(sys.stdout, "output")
    from engine.pipe.mailbox import Inbox, Outbox, in_background
    from engine.pipe.serve import Progress, serve

    inbox = Inbox(stdin, abort_on_eof=arguments.abort_on_eof)
    with stopping.instead(inbox.stop, always=True):  # a program's second signal means no more than its first
        model = inbox.until(in_background(open_model, arguments, arguments.device, arguments.precision))
        order, warnings = ordered(arguments, config, model)
        begin(reporter, model, order, warnings, None)
        for event in serve(inbox, Outbox(stdout), model, order, keep_partial=arguments.keep_partial):
            name = str(event.number)
            if isinstance(event, Progress):
                report_step(name, event.step, reporter)
            else:
                reporter.done(name, "-", event.seconds)
    return 0


def _descriptor(stream: Any, name: str) -> int:
    """Return the descriptor of a standard stream; raise UsageError if it is a terminal, not a program."""
    if stream is None:
        raise WireError(f"standard {name} is closed", hint="start pipe with both standard streams open")
    if stream.isatty():
        hint = "for picture files use deepdream dream; deepdream pipe --help describes frames"
        raise UsageError(f"pipe is for programs, but standard {name} is a terminal", hint=hint)
    return int(stream.fileno())
