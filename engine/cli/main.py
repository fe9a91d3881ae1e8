"""Run a command, and turn errors into messages and exit codes."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Final

from engine.cli import parser, reporters
from engine.cli.commands import dream, gallery, info, layers, pipe, presets, recipe, video, zoom
from engine.cli.commands.common import handling
from engine.errors import Cancelled, DreamError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS: Final[Mapping[str, parser.Command]] = {
    "dream": dream,
    "zoom": zoom,
    "video": video,
    "gallery": gallery,
    "layers": layers,
    "info": info,
    "presets": presets,
    "recipe": recipe,
    "pipe": pipe,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code, see `engine.errors`."""
    words = list(sys.argv[1:] if argv is None else argv)
    reporter = reporters.for_progress(
        _wanted_progress(words), verbose="--verbose" in words, debug="--debug" in words
    )
    try:
        with handling(signal.default_int_handler, signal.SIGTERM):  # stops the work as Ctrl-C does
            arguments = parser.parse(COMMANDS, words)
            logging.basicConfig(format="deepdream: %(message)s")
            logging.getLogger("engine").setLevel(logging.INFO if arguments.verbose else logging.WARNING)
            return COMMANDS[arguments.command].run(arguments, reporter)
    except SystemExit as stop:  # --help, --version
        return int(stop.code or 0)
    except KeyboardInterrupt:
        error: DreamError = Cancelled("cancelled; nothing was written")
    except MemoryError:
        error = DreamError("not enough memory", hint="use a smaller picture, or a smaller --tile")
    except DreamError as known:
        error = known
    reporter.error(error)
    return error.exit_code


def _wanted_progress(words: list[str]) -> str:
    """Find --progress before the options are parsed, so that errors in them are reported in its form too."""
    text = " ".join(words).replace("--progress=", "--progress ").split(" ")
    kind = text[text.index("--progress") + 1 :][:1] if "--progress" in text else []
    return kind[0] if kind else "auto"
