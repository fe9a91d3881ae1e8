"""`--cluster`: what of an order goes to many machines, and what cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from engine.ascent.order import Order
    from engine.cluster.fleet import Fleet
    from engine.network.model import DreamModel
    from engine.settings.output import Output

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py

STEPS_STAY = "the steps of a dream stay on the machine that makes them"


def settle(arguments: argparse.Namespace) -> str:
    """Return the device that the workers take; this machine only reads the order, on a CPU.

    Raises UsageError for options that a cluster cannot follow.
    """
    from engine.cluster.ray_session import check_address

    check_address(arguments.cluster)
    refused = {
        "--save-steps": (arguments.save_steps, STEPS_STAY),
        "--animate": (arguments.animate, STEPS_STAY),
        "--keep-partial": (arguments.keep_partial, STEPS_STAY),
        "--precision half": (arguments.precision == "half", "not all machines need have a GPU"),
        "INPUT -": ("-" in arguments.input, "standard input is this machine's"),
        "-o -": (arguments.output == "-", "standard output is this machine's"),
        f"--device {arguments.device}": (":" in arguments.device, "each worker has a GPU of its own"),
    }
    for option, (given, why) in refused.items():
        if given:
            raise UsageError(f"{option} does not go with --cluster: {why}", hint=f"leave out {option}")
    device: str = arguments.device
    arguments.device = "cpu"
    return device


def fleet(
    arguments: argparse.Namespace, device: str, order: Order, model: DreamModel, output: Output
) -> Fleet:
    """Return who dreams on the pictures of an order."""
    from engine.cluster.fleet import Fleet
    from engine.cluster.ray_grid import RayGrid
    from engine.cluster.ray_session import Session
    from engine.cluster.worker import Commission

    commission = Commission(
        model.content,
        model.name,
        order,
        output,
        device=device,
        threads=arguments.threads or 1,
        retries=arguments.retry,
        digests=arguments.report is not None,
    )
    return Fleet(RayGrid(Session(arguments.cluster), commission, arguments.jobs))
