"""`deepdream recipe`: what a recipe says, and a command that does without its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import engine
from engine.cli import options, parser
from engine.cli.main import COMMANDS
from engine.library.command import command_line
from engine.settings.recipe import Recipe
from tests.engine.conftest import TINY
from tests.engine.library.conftest import LOOK
from tests.engine.settings.test_recipe import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]


def test_the_command_line_that_is_shown_means_the_same(run: Run, folder: Path) -> None:
    words = command_line(FULL)
    arguments = parser.parse(COMMANDS, words)
    given = options.given_settings(arguments)
    plain = engine.DreamConfig()
    assert given == {x: v for x, v in FULL.settings.items() if v != getattr(plain, x)}
    assert (arguments.guide, arguments.mask) == ("./rose.jpg", "./Maske für oben.png")
    assert (arguments.tile, arguments.halo, arguments.threads) == (512, 64, 2)
    run("dream", "photo.png", *LOOK, "--threads", 1, "--jitter", 3, "-o", "old.png")
    again = command_line(engine.read_recipe("old.png"), "photo.png")
    again[again.index("--model") + 1] = str(TINY)
    assert run(*again, "-o", "new.png")[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()


def test_the_command_for_people(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "--threads", 1, "--guide", "guide.png", "-o", "old.png")
    code, out, err = run("recipe", "old.png")
    assert (code, err) == (0, "")
    assert "mixed0=1,mixed1:1=0.5" in out
    assert "cpu, 1 thread," in out
    assert out.splitlines()[-2] == "deepdream dream PICTURE --recipe old.png"
    assert "--guide ./guide.png" in out.splitlines()[-1]
    assert Recipe.from_json(run("recipe", "old.png", "--json")[1]) == engine.read_recipe("old.png")


def test_a_name_meant_for_the_shell_is_quoted(run: Run, folder: Path) -> None:
    table = json.loads(FULL.to_json())
    table["guide"]["name"] = "$(touch pwned).png"
    table["settings"]["layers"] = {"`id`": 1}
    (folder / "x.json").write_text(json.dumps(table))
    line = run("recipe", "x.json")[1].splitlines()[-1]
    assert "--guide './$(touch pwned).png'" in line
    assert "--layers '`id`=1'" in line


def test_a_value_is_never_an_option_of_its_own() -> None:
    recipe = replace(FULL, config=engine.DreamConfig(layers={"--output": 1.0}))
    arguments = parser.parse(COMMANDS, command_line(recipe))
    assert arguments.output is None
    assert arguments.layers == {"--output": 1.0}


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [(b"\xff\xfe", 3, "cannot be read"), (b"{}", 2, "no settings"), (b" " * 10**6, 2, "too long")],
)
def test_files_that_are_no_recipes(run: Run, folder: Path, content: bytes, code: int, said: str) -> None:
    (folder / "x.json").write_bytes(content)
    got, _, err = run("recipe", "x.json")
    assert (got, said in err) == (code, True)


def test_missing_files(run: Run, folder: Path) -> None:
    assert run("recipe", "none.json")[0] == 3
    assert run("recipe", "none.png")[0] == 3
    assert run("dream", "--recipe", "none.png", "photo.png")[0] == 3
