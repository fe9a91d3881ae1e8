"""`deepdream model`: the networks to dream with; getting, making and removing them."""

from __future__ import annotations

import functools
import json
import shutil
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import atomic, machine, paths
from engine.cli import console, options, stopping
from engine.errors import Cancelled, ModelError, UsageError
from engine.settings import models

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.weights.listing import Listed

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "list the models to dream with, get or make one, or remove it"

ACTIONS: Final = ("list", "get", "make", "remove")

TAKEN: Final = {
    "list": ("json",),
    "get": ("name", "until", "half", "output", "overwrite", "progress"),
    "make": ("name", "network", "weights", "until", "half", "output", "overwrite"),
    "remove": ("name",),
}
"""What each action takes."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `model`."""
    parser.add_argument("action", choices=ACTIONS, help="what to do")
    parser.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="get: the network; remove: the model; make: what to call it (the network's name)",
    )
    parser.add_argument("--json", action="store_true", help="list: print JSON")
    parser.add_argument("--network", metavar="NAME", help="make: the network that the weights are for")
    parser.add_argument(
        "--weights", metavar="FILE", help="make: .h5 or .keras as Keras saves them, or this project's .npz"
    )
    parser.add_argument(
        "--until", metavar="LAYER", help="get, make: deepest layer to include (the network's last)"
    )
    parser.add_argument(
        "--half", action="store_true", help="get, make: store weights as float16, which halves the file"
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="get, make: write the model here, instead of keeping it by name",
    )
    parser.add_argument("--overwrite", action="store_true", help="get, make: replace a model that is there")
    options.add_progress(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> int:
    """List, get, make or remove models."""
    _refuse_others(arguments)
    match arguments.action:
        case "list":
            _list(arguments, reporter)
        case "get":
            _get(arguments, reporter)
        case "make":
            _make(arguments)
        case _:
            console.say(str(models.remove(_name(arguments))))
    return 0


def _refuse_others(arguments: argparse.Namespace) -> None:
    """Raise UsageError for what the action does not take."""
    known = {x for names in TAKEN.values() for x in names}
    for name in sorted(known.intersection(arguments.given) - {*TAKEN[arguments.action]}):
        if name == "progress" or getattr(arguments, name) in {None, False}:
            continue
        word = f"the argument {arguments.name}" if name == "name" else f"--{name}"
        takers = " and ".join(f"model {x}" for x, names in TAKEN.items() if name in names)
        raise UsageError(f"model {arguments.action} does not take {word}", hint=f"only {takers} does")


def _list(arguments: argparse.Namespace, reporter: Reporter) -> None:
    from engine.weights.listing import listed

    found, wrong = listed()
    for sentence in wrong:  # a broken file must not hide the others
        reporter.warning(sentence, hint="deepdream model remove NAME removes it")
    if arguments.json:
        console.say(json.dumps([asdict(x) for x in found]))
        return
    width = max(len(x.name) for x in found) + 2
    for model in found:
        console.say_lines(_entry(model, width))


def _entry(model: Listed, width: int) -> str:
    """Return a model's entry in the list, wrapped to the terminal."""
    size = machine.amount(model.size)
    if model.state == "obtainable":
        size = f"weights of about {machine.amount(model.fetched)}, kept as {size}"
    span = model.layers[0] if len(model.layers) == 1 else f"{model.layers[0]} … {model.layers[-1]}"
    facts = [
        f"{model.state}, {size}; {span}.",
        f"Good for {model.good_for}." if model.good_for else "",
        f"Licence of the weights: {model.licence}." if model.licence else "",
    ]
    columns = max(min(shutil.get_terminal_size().columns, 110), width + 30)
    indent = " " * width
    text = " ".join(filter(None, facts))
    return textwrap.fill(text, columns, initial_indent=f"{model.name:<{width}}", subsequent_indent=indent)


def _get(arguments: argparse.Namespace, reporter: Reporter) -> None:
    from engine.weights.making import get
    from engine.weights.templates import read_template

    network = read_template(_name(arguments)).network
    target = _target(arguments, network)
    told = functools.partial(reporter.fetched, network)
    stopped = Cancelled("cancelled", hint="the same command goes on where this one stopped")
    try:
        with stopping.saying(lambda: stopped):
            get(network, target, told, until=arguments.until, half=arguments.half)
    finally:
        reporter.clear()
    _say(arguments, network, target)


def _make(arguments: argparse.Namespace) -> None:
    from engine.weights.making import keep, made

    if not arguments.network or not arguments.weights:
        missing = "--weights FILE" if arguments.network else "--network NAME"
        raise UsageError(f"model make needs {missing}", hint="deepdream model list shows the networks")
    name = arguments.name or arguments.network
    target = _target(arguments, name)
    content = made(arguments.network, Path(arguments.weights), arguments.until, half=arguments.half)
    keep(content, target)
    _say(arguments, name, target)


def _target(arguments: argparse.Namespace, name: str) -> Path:
    """Return where a model goes; raise UsageError where there is one already, before anything is fetched."""
    kept = arguments.output is None
    target = models.place_for(name) if kept else paths.with_suffix(arguments.output, models.SUFFIX)
    if paths.taken(target) and not arguments.overwrite:
        there = f"there is already a model {name}" if kept else f"{target} already exists"
        raise UsageError(there, hint="--overwrite replaces it")
    atomic.check(target, ModelError)
    if arguments.weights:
        paths.Kept([("the weights file", arguments.weights)]).refuse(target)
    return target


def _say(arguments: argparse.Namespace, name: str, target: Path) -> None:
    console.say(str(target))
    console.note(f"deepdream dream PICTURE --model {target if arguments.output else name}")


def _name(arguments: argparse.Namespace) -> str:
    if not arguments.name:
        raise UsageError(
            f"model {arguments.action} takes a name", hint="deepdream model list shows all names"
        )
    return str(arguments.name)
