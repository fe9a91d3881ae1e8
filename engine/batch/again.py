"""A second run: what is missing, failed or changed is done, and nothing else.

The recipe in a result tells what it was made of.  Where and by which versions it was computed does not count:
that shows in the last bits only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engine.batch.events import FINISHED, UNKNOWN, Failed, Job, Skipped, Warned
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.files.formats import format_of
from engine.library.repeating import changes, recipe_of_order
from engine.paths import Kept
from engine.settings.origin import origin_of
from engine.settings.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.ascent.order import Order
    from engine.batch.events import Item
    from engine.network.model import DreamModel
    from engine.settings.output import Output


def look_again(
    items: Sequence[Item],
    order: Order,
    model: DreamModel,
    output: Output,
    kept: Iterable[tuple[str, str]] = (),
) -> list[Item]:
    """Return what is left to do of a plan: results that this order would make otherwise are to be replaced.

    Only results with a recipe ever are, and no input and none of the files `kept`, by what they are; one line
    tells how many, and why.  A picture is read only where its recipe agrees with the order.
    """
    jobs = [x.job if isinstance(x, Skipped) else x for x in items if isinstance(x, Skipped | Job)]
    never = Kept([*kept, *(("one of the inputs", x.source) for x in jobs if x.source)])
    wanted = recipe_of_order(order, model, output)
    reasons: Counter[str] = Counter()
    left: list[Item] = []
    for item in items:
        if isinstance(item, Skipped) and item.job.source is not None:
            seen, reason = _looked_at(item.job, wanted, never)
            left.append(seen)
            reasons.update([reason] if reason else [])
        else:
            left.append(item)
    if reasons:
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        left.insert(0, Warned("", f"results are made anew: {why}; --keep keeps them as they are"))
    return left


def _looked_at(job: Job, wanted: Recipe, never: Kept) -> tuple[Item, str]:
    """Return what is to be done about a result that is there, and why it is made anew, if it is."""
    assert job.source is not None and job.target is not None  # noqa: S101, PT018 - for the type checker
    try:
        recipe = Recipe.from_json(images.recipe_of(job.target))
    except (ImageError, UsageError):  # none, or that of a newer program, or no picture at all
        return Skipped(job, UNKNOWN), ""
    change = changes(recipe, wanted, format_of(job.target).options) or _other_picture(job.source, recipe)
    if not change:
        return Skipped(job, FINISHED), ""
    try:
        never.refuse(job.target)
    except UsageError as error:
        return Failed(job.name, error, job.target), ""
    return job, change


def _other_picture(source: Path, recipe: Recipe) -> str:
    """Say that a result was made from another picture, if it was; one that is gone will say so itself."""
    try:
        return "" if origin_of(source).sha256 == recipe.picture else "another picture"
    except ImageError:
        return "a picture that cannot be read"
