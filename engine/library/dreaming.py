"""A picture on its way from what was read to what is written: settled once, dreamed, finished, saved.

`engine.dream`, a batch and a gallery all go this way.  Frames of films and of editors, which come without a
file, take only the part in the middle, `engine.ascent.work`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine.ascent.work import Work
from engine.files import images
from engine.files.formats import PNG, depth_for, format_of
from engine.library.change import changed
from engine.library.repeating import recipe_for
from engine.pictures.pixels import DTYPES, at_depth
from engine.settings.output import STANDARD, Output
from engine.stop import NEVER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ascent.order import Order
    from engine.ascent.step import Step
    from engine.files.formats import Format
    from engine.network.model import DreamModel
    from engine.pictures.picture import Picture
    from engine.remote import Place
    from engine.settings.origin import Origin
    from engine.settings.recipe import Recipe
    from engine.stop import Stop


@dataclass(frozen=True, eq=False)
class Dreaming:
    """A picture that is being dreamed on."""

    source: Picture = field(repr=False)
    """The picture as it was."""

    origin: Origin
    """Where it came from."""

    work: Work = field(repr=False)
    """The order, settled for it."""

    output: Output = STANDARD
    """What is chosen about the result's file."""

    @classmethod
    def begin(
        cls, read: tuple[Picture, Origin], order: Order, model: DreamModel, output: Output = STANDARD
    ) -> Dreaming:
        """Settle an order for a picture that was read; raises what `Work.settle` raises."""
        source, origin = read
        alpha = None if source.alpha is None else at_depth(source.alpha, DTYPES["8"])
        rows = source.rows(model.metadata.value_range)
        held = 3 * (source.pixels.itemsize - 1)
        return cls(source, origin, Work.settle(rows, order, model, alpha, held=held), output)

    def steps(self, stop: Stop = NEVER) -> Iterator[Step]:
        """Dream; see `Work.alone`."""
        return self.work.alone(stop)

    def recipe(self, *, finished: bool = True) -> Recipe:
        """Return everything that is needed to make the result again from this picture."""
        return replace(recipe_for(self.work, self.output), picture=self.origin.sha256, finished=finished)

    def result(self, step: Step, depth: str = "") -> Picture:
        """Return the picture as far as it has dreamed, rounded once, at the depth that was chosen.

        `depth` is one of `DTYPES` to take instead, for a file that holds less.
        """
        chosen = self.source.depth if self.output.depth == "source" else self.output.depth
        dither = self.work.order.config.seed if self.output.dither else None
        value_range = self.work.model.metadata.value_range
        return changed(self.source, step, value_range, depth or chosen, dither)

    def save(self, step: Step, target: Place, *, replace: bool = True) -> tuple[str, ...]:
        """Write the picture so far in the format of the target's suffix; see `images.save` for `replace`.

        Returns what could not be kept, one sentence each.  Raises ImageError where it cannot be written.
        """
        result, output, lost = self._for_file(step, format_of(target))
        return *lost, *images.save(result, target, output, replace=replace)

    def encode(self, step: Step) -> tuple[bytes, tuple[str, ...]]:
        """Return the picture so far as a PNG file's content, and what could not be kept."""
        result, output, lost = self._for_file(step, PNG)
        content, more = images.encode(result, PNG, output)
        return content, (*lost, *more)

    def _for_file(self, step: Step, form: Format) -> tuple[Picture, Output, tuple[str, ...]]:
        # What the format holds is known before the dream is rounded, so it is rounded only once.
        depth, lost = depth_for(form, self.output.depth, self.source.depth)
        finished = step.fraction >= 1
        recipe = self.recipe(finished=finished).to_json() if self.output.with_recipe else ""
        return self.result(step, depth), replace(self.output, depth=depth, recipe=recipe), lost
