"""`deepdream layers`: what a model has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from engine import console, options
from engine.commands.common import open_model
from engine.presets import PRESETS

if TYPE_CHECKING:
    import argparse

    from engine.console import Silent

HELP: Final = "list the model's layers, channels and strides"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `layers` takes."""
    options.add_model(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, _reporter: Silent) -> int:
    """List the model's layers, and what the default preset makes of each."""
    model = open_model(arguments, "cpu")
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
