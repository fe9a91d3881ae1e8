"""The help of all commands, and what it costs; the options as they are read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli import main as cli
from engine.cli import options, parser
from engine.cli.main import COMMANDS
from engine.settings import presets

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "words",
    [
        ["--version"],
        ["--help"],
        ["dream", "--help"],
        ["zoom", "--help"],
        ["video", "--help"],
        ["gallery", "--help"],
        ["dream", "x", "--octav"],
    ],
)
def test_help_and_usage_errors_load_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; from engine.cli.main import main; code = main(sys.argv[1:]);"
        "heavy = {'numpy', 'scipy', 'PIL', 'onnxruntime', 'wcwidth', 'psutil'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == (2 if "x" in words else 0), done.stderr


SLIPS = re.compile(r"\b(XX+|TODO|FIXME|TBD|None|True|False)\b|%\(|\(\)|\b(\w+) \2\b| [,;:]")
"""Placeholders, Python's words, doubled words, a space before a sign."""


def texts_of(capsys) -> dict[str, str]:
    """The help of the program and of each command, as wide as it comes."""
    found = {}
    for words in ([], *([x] for x in COMMANDS)):
        assert cli.main([*words, "--help"]) == 0
        found[" ".join(words)] = capsys.readouterr().out
    return found


def test_no_help_text_holds_a_slip(monkeypatch, capsys) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command, text in texts_of(capsys).items():
        slip = SLIPS.search(text.split("\n\n", 1)[1])  # argparse writes the usage before
        assert slip is None, f"{command}: {slip}"


def test_every_option_has_a_help_text_that_ends_well() -> None:
    parsers = parser._parsers(COMMANDS)[1]
    for command, one in parsers.items():
        for action in one._actions:
            where = f"{command} {'/'.join(action.option_strings) or action.dest}"
            assert action.help, where
            assert action.help == " ".join(action.help.split()), f"{where}: {action.help!r}"
            assert re.search(r"(\w|[\w%\"]\)|\.\.\.)$", action.help), f"{where}: {action.help!r}"
            assert action.help.count("(") == action.help.count(")"), f"{where}: {action.help!r}"
            assert not re.search(r"\b[XN]+\b", action.help), f"{where}: {action.help!r}"


def test_given_tells_what_the_user_wrote_and_all_else_has_its_default() -> None:
    switches = "--max-loss none --quality 95 --no-dither --guide none"
    words = ["dream", "a.png", *switches.split(), "b.png"]
    arguments = parser.parse(COMMANDS, words)
    assert arguments.given == {"command", "input", "max_loss", "quality", "dither", "guide"}
    assert options.given_settings(arguments) == {"max_loss": None}
    assert (arguments.input, arguments.guide, arguments.dither) == (["a.png", "b.png"], None, False)
    assert (arguments.device, arguments.precision, arguments.tile) == ("auto", "full", "auto")
    assert (arguments.debug, arguments.progress, arguments.with_recipe) == (False, "auto", True)


@pytest.mark.parametrize("command", ["zoom", "video"])
def test_the_help_of_films_shows_the_values_of_their_own_preset(command: str, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = parser._parsers(COMMANDS)[1][command].format_help()
    flight = presets.PRESETS["flight"]
    for option, value in (("--smooth", flight.smooth), ("--blend", flight.blend), ("--max-loss", "none")):
        assert re.search(rf"^  {option} X .*\({value}\)$", text, re.MULTILINE), option
