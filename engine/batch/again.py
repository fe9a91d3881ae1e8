"""A second run: what is missing, failed or changed is done, and nothing else.

The recipe in a result tells what it was made of.  Where and by which versions it was computed does not count:
that shows in the last bits only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.batch.events import FINISHED, UNKNOWN, Failed, Job, Skipped, Warned
from engine.batch.stores import any_remote, each
from engine.errors import ImageError, UsageError
from engine.files import images
from engine.files.formats import format_of
from engine.library.repeating import changes, recipe_of_order
from engine.paths import Kept
from engine.remote import Place, Remote
from engine.settings.origin import origin_of
from engine.settings.output import STANDARD
from engine.settings.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from engine.ascent.order import Order
    from engine.batch.events import Item
    from engine.network.model import DreamModel
    from engine.settings.output import Output


A_DREAM: Final = 3600.0
"""Seconds from reading a picture to writing its result, at most."""


class Wanted:
    """What an order makes, to compare results with."""

    def __init__(self, order: Order, model: DreamModel, output: Output = STANDARD) -> None:
        self._recipe = recipe_of_order(order, model, output)

    def change(self, job: Job) -> str | None:
        """Say in two words what would be otherwise in a result that is there: empty for nothing.

        None where the result does not say how it was made.  The picture is read only where the recipes agree.
        """
        assert job.source is not None and job.target is not None  # noqa: S101, PT018 - for the type checker
        try:
            recipe = Recipe.from_json(images.recipe_of(job.target))
        except (ImageError, UsageError):  # none, or that of a newer program, or no picture at all
            return None
        change = changes(recipe, self._recipe, format_of(job.target).options)
        return change or _other_picture(job, recipe)


def look_again(
    items: Sequence[Item],
    wanted: Wanted,
    kept: Iterable[tuple[str, str]] = (),
    told: Callable[[int, int], object] = lambda _seen, _all: None,
) -> list[Item]:
    """Return what is left to do of a plan: results that would be made otherwise now are to be replaced.

    Only results with a recipe ever are, and no input and none of the files `kept`, by what they are; one line
    tells how many, and why.  `told` is called for each result that was looked at, with how many were, and of
    how many.
    """
    jobs = [x.job if isinstance(x, Skipped) else x for x in items if isinstance(x, Skipped | Job)]
    never = Kept([*kept, *(("one of the inputs", x.source) for x in jobs if x.source)])
    results = sum(isinstance(x, Skipped) for x in items)
    seen = 0
    reasons: Counter[str] = Counter()
    left: list[Item] = []
    there = [x.job for x in items if isinstance(x, Skipped) and x.job.source is not None]
    looks = each(wanted.change, there, waiting=any_remote(there))
    for item in items:
        if isinstance(item, Skipped) and item.job.source is not None:
            change = next(looks)
            left.append(_settled(item.job, change, never))
            reasons.update([change] if change and isinstance(left[-1], Job) else [])
            seen += 1
            told(seen, results)
        else:
            left.append(item)
    if reasons:
        why = ", ".join(f"{reason} ({count})" for reason, count in reasons.items())
        left.insert(0, Warned("", f"results are made anew: {why}; --keep keeps them as they are"))
    return left


def _settled(job: Job, change: str | None, never: Kept) -> Item:
    """Return what is to be done about a result that is there."""
    if not change:
        return Skipped(job, UNKNOWN if change is None else FINISHED)
    assert job.target is not None  # noqa: S101 - for the type checker
    try:
        never.refuse(job.target)
    except UsageError as error:
        return Failed(job.name, error, job.target)
    return replace(job, replaces=True)


def is_result(job: Job, recipe: Recipe) -> bool:
    """Tell whether what is there in place of a picture's result was made by the same recipe."""
    assert job.target is not None  # noqa: S101 - for the type checker
    try:
        found = Recipe.from_json(images.recipe_of(job.target))
    except (ImageError, UsageError):
        return False
    same = found.picture == recipe.picture
    return same and not changes(found, recipe, format_of(job.target).options)


def _other_picture(job: Job, recipe: Recipe) -> str:
    """Say that a result was made from another picture, if it was; one that is gone will say so itself."""
    assert job.source is not None  # noqa: S101 - for the type checker
    if _surely_older(job.source, job.target):
        return ""
    try:
        return "" if origin_of(job.source).sha256 == recipe.picture else "another picture"
    except ImageError:
        return "a picture that cannot be read"


def _surely_older(source: Place, target: Place | None) -> bool:
    """Tell whether a picture was last written before its result was begun, by the clock of the store of both.

    Then it need not be read, which for a million pictures in a store would take hours.
    """
    if not (isinstance(source, Remote) and isinstance(target, Remote)) or source.protocol != target.protocol:
        return False
    return bool(source.changed and target.changed and source.changed < target.changed - A_DREAM)
