"""What several commands do alike: open the model, tell of it, stop when told to."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from engine.config import DreamConfig, Tiling
    from engine.console import Silent
    from engine.model import DreamModel
    from engine.progress import Step


def open_model(arguments: argparse.Namespace, device: str, precision: str = "full") -> DreamModel:
    """Open the model that the options name."""
    from engine.model import load_model  # noqa: PLC0415

    return load_model(arguments.model, device=device, threads=arguments.threads, precision=precision)


def begin(
    reporter: Silent,
    model: DreamModel,
    config: DreamConfig,
    tiling: Tiling,
    warnings: tuple[str, ...],
    pictures: int | None,
    at_once: int = 1,
) -> None:
    """Report what is going to compute, and what the user should know of it."""
    reporter.start(model, config, tiling, pictures, at_once)
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
