"""`deepdream layers`: a model's layers, and the channels that a picture excites."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from engine.cli import console, options
from engine.cli.commands.common import open_model
from engine.errors import UsageError
from engine.settings.presets import DEFAULT, PRESETS
from engine.settings.selectors import layer_of

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter
    from engine.network.model import DreamModel

HELP: Final = "list the model's layers, channels and strides, or the channels that a picture excites most"

CHANNELS: Final = 5
"""How many channels of each layer are listed."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `layers`."""
    options.add_model(parser)
    parser.add_argument(
        "--picture",
        metavar="PICTURE",
        help="list, for each layer, the channels that this picture excites most",
    )
    parser.add_argument(
        "--channels",
        type=int,
        metavar="N",
        help=f"with --picture: how many channels of each layer to list ({CHANNELS})",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, _reporter: Reporter) -> int:
    """List the model's layers with their coefficients in the default preset, or what a picture excites."""
    if arguments.channels is not None and arguments.channels < 1:
        raise UsageError(
            f"--channels {arguments.channels} is out of range", hint="it takes a number from 1 up"
        )
    if arguments.channels is not None and arguments.picture is None:
        raise UsageError("--channels has a meaning only with --picture", hint="add --picture PICTURE")
    model = open_model(arguments, "cpu")
    if arguments.picture is not None:
        _rank(arguments, model)
        return 0
    coefficients, title = PRESETS[DEFAULT].layers, f"coefficient in the preset {DEFAULT}"
    if model.metadata.default_layers and not {layer_of(x) for x in coefficients} & {*model.layer_names}:
        coefficients, title = model.metadata.default_layers, "coefficient of the model's own dream"
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
    width = max(10, *(len(x) + 1 for x in model.layer_names))
    console.say(f"{'layer':<{width}}{'channels':>10}{'stride':>10}{title:>38}")
    for row in table:
        numbers = f"{row['channels']:>10}{row['stride']:>10}{row['coefficient']:>38g}"
        console.say(f"{row['name']:<{width}}{numbers}")
    return 0


def _rank(arguments: argparse.Namespace, model: DreamModel) -> None:
    """Print, for each layer, the channels that a picture excites most."""
    from engine.galleries.ranking import rank_channels  # noqa: PLC0415 - --help does without

    ranked = rank_channels(arguments.picture, count=arguments.channels or CHANNELS, model=model)
    if arguments.json:
        rows = [{"selector": x.selector, **asdict(x)} for channels in ranked.values() for x in channels]
        console.say(json.dumps(rows))
        return
    width = max(16, *(len(x.selector) + 1 for channels in ranked.values() for x in channels))
    console.say(f"{'for --layers':<{width}}{'more than noise':>16}{'times the mean':>16}")
    for channels in ranked.values():
        for x in channels:
            console.say(f"{x.selector:<{width}}{x.score:>16.1f}{x.share:>16.1f}")
