"""What several commands do: open the model, read the order, report what computes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli import options
from engine.settings.config import changed, fit_layers
from engine.settings.presets import DEFAULT, chosen, configure, model_for

if TYPE_CHECKING:
    import argparse

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.cli.reporters import Reporter
    from engine.network.model import DreamModel
    from engine.settings.config import DreamConfig
    from engine.settings.recipe import Recipe


def open_model(arguments: argparse.Namespace, device: str, precision: str = "full") -> DreamModel:
    """Open the model that the options name, or else the one that their preset needs."""
    from engine.network.model import load_model  # noqa: PLC0415 - --help does without

    model = arguments.model or model_for(getattr(arguments, "preset", None))
    return load_model(model, device=device, threads=arguments.threads, precision=precision)


def files_read(arguments: argparse.Namespace) -> list[tuple[str, str]]:
    """Return the files that the options name, by what they are: no result may replace one of them."""
    found = [
        (f"the {x}", getattr(arguments, x, None)) for x in ("guide", "mask", "model", "recipe", "preset")
    ]
    found.append(("the list", getattr(arguments, "listed", None)))
    # A mask can be the word alpha, a preset a name.
    return [(what, x) for what, x in found if x and x != "alpha" and (what != "the preset" or "." in x)]


def configured(
    arguments: argparse.Namespace, recipe: Recipe | None = None, preset: str = DEFAULT
) -> DreamConfig:
    """Return the settings of a recipe, or of a preset, overridden by those on the command line.

    The preset is the one that the options name, or else `preset`.
    """
    given = options.given_settings(arguments)
    if recipe is not None:
        return changed(recipe.config, given)
    return configure(arguments.preset or preset, given)


def ordered(
    arguments: argparse.Namespace, config: DreamConfig, model: DreamModel
) -> tuple[Order, tuple[str, ...]]:
    """Return the order that the options describe, and warnings for the user."""
    from engine.ascent.order import order_for  # noqa: PLC0415 - --help does without

    recipe = getattr(arguments, "recipe", None) is not None
    by = chosen(arguments.given, arguments.preset, recipe=recipe)
    config, warnings = fit_layers(config, model.layer_names, default=model.metadata.default_layers, chosen=by)
    tiling = options.tiling(arguments)
    guide = mask = None
    if arguments.guide or arguments.mask:  # otherwise Pillow is not loaded: frames do without it
        from engine.library import sources  # noqa: PLC0415 - --help does without

        guide, mask = sources.read_guide(arguments.guide, model), sources.read_mask(arguments.mask)
    return order_for(model, config, tiling, guide=guide, mask=mask), warnings


def idle(arguments: argparse.Namespace, config: DreamConfig) -> tuple[str, ...]:
    """Say which options on the command line change nothing, because of others that are or are not there."""
    without = {
        "guide_places": (config.guide_places and not arguments.guide, "--guide-places", "a --guide"),
        "feather": (not arguments.mask, "--feather", "a --mask"),
    }
    found = [x for name, x in without.items() if name in arguments.given]
    said = [f"{option} changes nothing without {missing}" for alone, option, missing in found if alone]
    if "octave_scale" in arguments.given and config.min_size is None and config.octaves == 1:
        said.append("--octave-scale changes nothing where there is one octave")
    return tuple(said)


def begin(
    reporter: Reporter,
    model: DreamModel,
    order: Order,
    warnings: tuple[str, ...],
    pictures: int | None,
    at_once: int = 1,
    cluster: str = "",
) -> None:
    """Report what computes, with warnings for the user."""
    reporter.start(model, order.config, order.tiling, pictures, at_once, cluster)
    if model.fallback:
        warnings = (*warnings, f"{model.fallback}: dreaming on the CPU")
    for warning in warnings:
        reporter.warning(warning)


def report_step(name: str, step: Step, reporter: Reporter) -> None:
    """Report a Step and its warnings."""
    for warning in step.warnings:
        reporter.warning(warning, name=name)
    reporter.step(name, step)
