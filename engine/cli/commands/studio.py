"""`deepdream studio`: dreaming in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.cli import console, options, stopping
from engine.errors import UsageError
from engine.settings.tiling import Tiling, parse_bytes

if TYPE_CHECKING:
    import argparse

    from engine.cli.reporters import Reporter

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

HELP: Final = "dream in the browser, with what each look and layer makes of your picture to choose from"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `studio`."""
    parser.add_argument(
        "--port", type=_port, metavar="N", help="port to listen at; 0: any that is free (8600)"
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen at; all but this machine itself need a token (127.0.0.1)",
    )
    parser.add_argument(
        "--token",
        help="what a browser has to know; without it, where one is needed, that of the environment's "
        "DEEPDREAM_TOKEN, or a new one, which the address that is printed has in it",
    )
    parser.add_argument("--no-browser", action="store_true", help="open no browser")
    parser.add_argument(
        "--keep",
        metavar="FOLDER",
        help="keep pictures and dreams in this folder; without it they are removed at the end",
    )
    options.add_model(parser)
    options.add_place(parser)
    parser.add_argument(
        "--max-memory",
        type=parse_bytes,
        default=Tiling().max_memory,
        metavar="AMOUNT",
        help="memory to use, roughly, before pictures are cut into tiles (4.5GB)",
    )


def run(arguments: argparse.Namespace, _reporter: Reporter) -> int:
    """Run the studio until Ctrl-C."""
    Tiling(max_memory=arguments.max_memory)  # refused before anything is started
    if arguments.token is not None and len(arguments.token) < LEAST:
        raise UsageError("the token is too short", hint=f"take {LEAST} characters or more")
    try:
        from engine.studio import serving
    except ImportError as error:
        hint = 'pip install "deepdream-onnx[web]"'
        raise UsageError(f"the studio needs the extra [web] ({error.name} is missing)", hint=hint) from error

    place = serving.Place(
        host=arguments.host, port=arguments.port, token=arguments.token, keep=arguments.keep
    )
    model = {x: getattr(arguments, x) for x in ("model", "device", "threads", "max_memory")}
    serving.serve(
        place,
        model,
        _announce,
        stopping.instead,
        browser=not arguments.no_browser,
    )
    return 0


LEAST: Final = 8
"""Characters of a token, at least."""


def _announce(url: str) -> None:
    console.say(url)
    console.note("the studio is open; Ctrl-C ends it")


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise UsageError(f"--port {text} is out of range", hint="--port takes a number from 0 to 65535")
    return int(text)
