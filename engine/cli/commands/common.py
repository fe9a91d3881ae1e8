"""What several commands do alike: open the model, tell of it, stop when told to."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

from engine.cli import options
from engine.settings.config import changed, fit_layers
from engine.settings.presets import DEFAULT, configure

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.cli.console import Silent
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.recipe import Recipe


def open_model(arguments: argparse.Namespace, device: str, precision: str = "full") -> DreamModel:
    """Open the model that the options name."""
    from engine.network.model import load_model  # noqa: PLC0415 - --help does without

    return load_model(arguments.model, device=device, threads=arguments.threads, precision=precision)


def configured(
    arguments: argparse.Namespace, recipe: Recipe | None = None, preset: str = DEFAULT
) -> DreamConfig:
    """Return the settings of a recipe, or of the preset that the options name, with those that they give.

    Where they name none, it is `preset`.
    """
    given = options.given_settings(arguments)
    if recipe is not None:
        return changed(recipe.config, given)
    return configure(arguments.preset or preset, given)


def ordered(
    arguments: argparse.Namespace, config: DreamConfig, model: DreamModel
) -> tuple[Order, tuple[str, ...]]:
    """Return what the options order of a model, and what the user should be told of it."""
    from engine.ascent.order import order_for  # noqa: PLC0415 - --help does without

    config, warnings = fit_layers(config, model.layer_names, chosen=hasattr(arguments, "layers"))
    tiling = options.tiling(arguments)
    guide = mask = None
    if arguments.guide or arguments.mask:  # else nothing loads Pillow, which a frame does without
        from engine.library import sources  # noqa: PLC0415 - --help does without

        guide, mask = sources.read_guide(arguments.guide, model), sources.read_mask(arguments.mask)
    return order_for(model, config, tiling, guide=guide, mask=mask), warnings


def begin(
    reporter: Silent,
    model: DreamModel,
    order: Order,
    warnings: tuple[str, ...],
    pictures: int | None,
    at_once: int = 1,
) -> None:
    """Report what is going to compute, and what the user should know of it."""
    reporter.start(model, order.config, order.tiling, pictures, at_once)
    if model.fallback:
        warnings = (*warnings, f"{model.fallback}: dreaming on the CPU")
    for warning in warnings:
        reporter.warning(warning)


def report_step(name: str, step: Step, reporter: Silent) -> None:
    """Hand a Step on to the reporter, and what the user should know of it."""
    for warning in step.warnings:
        reporter.warning(warning, name=name)
    reporter.step(name, step)


@contextlib.contextmanager
def handling(handler: Callable[[int, Any], Any], *signals: signal.Signals) -> Iterator[None]:
    """Give signals a handler for a while, save those that whoever started us wants ignored."""
    if threading.current_thread() is not threading.main_thread():  # where Python allows no handlers
        yield
        return
    before = {x: signal.getsignal(x) for x in signals if signal.getsignal(x) is not signal.SIG_IGN}
    try:
        for which in before:
            signal.signal(which, handler)
        yield
    finally:
        for which, old in before.items():
            signal.signal(which, old)
