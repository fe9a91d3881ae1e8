"""The command line as argparse reads it, and what is said about a misspelt word.

Every option has an ordinary argparse default.  `parse` also says in `arguments.given` which options the user
wrote, so that a preset or a recipe can supply the others.
"""

from __future__ import annotations

import argparse
import difflib
import re
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

from engine import paths
from engine._version import __version__
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from engine.cli.reporters import Reporter

EPILOG: Final = """\
examples:
  deepdream dream photo.jpg -o dream
  deepdream dream photos/ -o dreams/ --layers mixed3=0.5,mixed4=2 --octaves 4
  deepdream gallery photo.jpg -o sheet.png
"""


class Command(Protocol):
    """What each module of engine/cli/commands/ offers that is a command."""

    HELP: str
    """What the command does, in one line that begins with a verb."""

    def add_options(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's arguments and options."""

    def run(self, arguments: argparse.Namespace, reporter: Reporter, /) -> int:
        """Run the command; return an exit code, see `engine.errors`."""


class Parser(argparse.ArgumentParser):
    """A parser that raises UsageError where argparse would print its usage and exit."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError; for a word that is not among the choices, name the nearest one."""
        choice = re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if choice:
            words = re.findall(r"[\w-]+", choice[2])
            near = difflib.get_close_matches(choice[1], words, n=1)
            hint = f"did you mean {near[0]}?" if near else f"choose from {', '.join(words)}"
            raise UsageError(message.split(" (choose", maxsplit=1)[0], hint=hint)
        raise UsageError(message, hint=f"see {self.prog} --help")


def parse(commands: Mapping[str, Command], argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line; raise UsageError for anything it does not know.

    In the result, every option that is not on the command line has its default, and `given` is the set of
    those that are, by attribute name.  `--help` and `--version` print and raise SystemExit.
    """
    parser, parsers = _parsers(commands)
    if argv and argv[0] not in commands and paths.exists(argv[0]):
        raise UsageError(f"{argv[0]} is not a command", hint=f"did you mean: deepdream dream {argv[0]}")
    defaults = {name: _take_defaults(x) for name, x in parsers.items()}
    arguments, rest = parser.parse_known_args(argv)
    unknown = [x for x in rest if x.startswith("-") and x != "-"]
    if unknown or (rest and arguments.command != "dream"):
        if not unknown:
            raise UsageError(
                f"{arguments.command} does not take the argument {rest[0]}",
                hint=f"see {parsers[arguments.command].prog} --help",
            )
        _refuse(unknown[0], parsers[arguments.command])
    if rest:  # argparse takes inputs in one place only, people give them before and after options
        arguments.input += rest
    given = vars(arguments)
    return argparse.Namespace(**defaults[arguments.command] | given, given=frozenset(given))


def parse_options(
    add_options: Callable[[argparse.ArgumentParser], object], words: Sequence[str]
) -> argparse.Namespace:
    """Read options that a program sends, without a command; raise UsageError for anything else among them.

    The result is as that of `parse`.
    """
    parser = Parser("deepdream", add_help=False, allow_abbrev=False)
    add_options(parser)
    defaults = _take_defaults(parser)
    arguments, rest = parser.parse_known_args(words)
    if rest:
        _refuse(rest[0], parser)
    given = vars(arguments)
    return argparse.Namespace(**defaults | given, given=frozenset(given))


def _take_defaults(parser: argparse.ArgumentParser) -> dict[str, object]:
    """Take the defaults away from a parser and return them: what it then finds is what the user wrote."""
    defaults: dict[str, object] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse offers no other way to list the options
        if action.default is not argparse.SUPPRESS:
            none: object = (
                [] if action.nargs == "*" else None
            )  # as argparse has it, where no default is given
            defaults[action.dest] = none if action.default is None else action.default
            action.default = argparse.SUPPRESS
    return defaults


def _refuse(word: str, parser: argparse.ArgumentParser) -> NoReturn:
    option = word.partition("=")[0]
    known = re.findall(r"(?<!\w)--?[a-z][a-z-]*", parser.format_help())
    near = difflib.get_close_matches(option, known, n=1)
    near = near or [x for x in known if x.startswith(option)][:1]
    hint = f"did you mean {near[0]}?" if near else f"see {parser.prog} --help"
    raise UsageError(f"unknown option {option}", hint=hint)


def _parsers(commands: Mapping[str, Command]) -> tuple[Parser, dict[str, Parser]]:
    parser = Parser(
        "deepdream",
        description="Make pictures dream.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"deepdream {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    made: dict[str, Parser] = {}
    for name, command in commands.items():
        made[name] = subparsers.add_parser(
            name,
            help=command.HELP,
            description=command.HELP.capitalize() + ".",
            allow_abbrev=False,
        )
        made[name].add_argument("--debug", action="store_true", help="show a traceback with each error")
        made[name].add_argument(
            "--verbose", action="store_true", help="report more, such as the loss of each iteration"
        )
        command.add_options(made[name])
    return parser, made
