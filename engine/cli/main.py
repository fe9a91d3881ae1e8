"""Run a command, and turn errors into messages and exit codes."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Final

from engine import paths
from engine.cli import console, parser, reporters, stopping
from engine.cli.commands import (
    dream,
    gallery,
    info,
    layers,
    model,
    pipe,
    presets,
    recipe,
    studio,
    video,
    zoom,
)
from engine.errors import Cancelled, DreamError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS: Final[Mapping[str, parser.Command]] = {
    "dream": dream,
    "zoom": zoom,
    "video": video,
    "gallery": gallery,
    "studio": studio,
    "layers": layers,
    "model": model,
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
        with stopping.telling(reporter.error):
            arguments = parser.parse(COMMANDS, words)
            logging.basicConfig(handlers=[_log(verbose=arguments.verbose)])
            logging.getLogger("engine").setLevel(logging.INFO if arguments.verbose else logging.WARNING)
            return COMMANDS[arguments.command].run(arguments, reporter)
    except SystemExit as stop:  # --help, --version
        return int(stop.code or 0)
    except KeyboardInterrupt:  # where a program calls this function
        error: DreamError = Cancelled("cancelled")
    except MemoryError:
        error = DreamError("not enough memory", hint="use a smaller picture, or a smaller --tile")
    except DreamError as known:
        error = known
    except FileNotFoundError:
        if paths.working_folder_exists():
            raise
        error = UsageError("a relative path leads nowhere")
    if not (error.hint or paths.working_folder_exists()):
        error.hint = "the folder that this runs in was deleted: change to one that exists"
    reporter.error(error)
    return error.exit_code


def _log(*, verbose: bool) -> logging.Handler:
    """Return what shows log messages; what libraries tell of their doings is for the verbose only."""
    log = _Log()
    if not verbose:
        log.addFilter(logging.Filter("engine"))
    return log


class _Log(logging.Handler):
    """Writes log messages to stderr, where names of files can do no harm."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        console.note(f"deepdream: {record.getMessage()}")
        if record.exc_info:
            console.note_lines(logging.Formatter().formatException(record.exc_info))


def _wanted_progress(words: list[str]) -> str:
    """Find --progress before the options are parsed, so that errors in them are reported in its form too."""
    text = " ".join(words).replace("--progress=", "--progress ").split(" ")
    kind = text[text.index("--progress") + 1 :][:1] if "--progress" in text else []
    return kind[0] if kind else "auto"
