"""Where the pictures of `deepdream dream` come from: a plan, or folders that are watched."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine import paths
from engine.cli.commands.common import files_read
from engine.errors import UsageError
from engine.remote import is_url

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable

    from engine.ascent.order import Order
    from engine.batch.again import Wanted
    from engine.batch.arrivals import Arrivals
    from engine.batch.events import Asked, Item, Job, Skipped
    from engine.batch.shares import Shares
    from engine.cli.reporters import Reporter
    from engine.network.model import DreamModel
    from engine.remote import Place

# ruff: noqa: PLC0415 - see engine/cli/commands/__init__.py


@dataclass(frozen=True)
class Supply:
    """The pictures of a run."""

    items: Iterable[Asked]
    """What is to be done, in order."""

    shares: Shares
    """How the processors are shared among them."""

    planned: list[Item]
    """All that is known of beforehand, with what is skipped."""

    pictures: int | None
    """How many are to be dreamed on; None where nobody knows."""

    arrivals: Arrivals | None = None
    """Who has to hear what becomes of the pictures."""

    @property
    def skipped(self) -> list[Skipped]:
        """Those whose results are there."""
        from engine.batch.events import Skipped

        return [x for x in self.planned if isinstance(x, Skipped)]

    @property
    def jobs(self) -> list[Job]:
        """All that are known, those that are skipped too."""
        from engine.batch.events import Job, Skipped

        return [x.job if isinstance(x, Skipped) else x for x in self.planned if isinstance(x, Job | Skipped)]

    @property
    def inputs(self) -> list[Place | None]:
        """The files that are dreamed on, None for standard input."""
        from engine.batch.events import Job

        return [x.source for x in self.planned if isinstance(x, Job)]


def check_watch(arguments: argparse.Namespace) -> None:
    """Raise UsageError for what cannot be watched; ImageError where OUT cannot be created."""
    from engine.batch import ears, planning

    for text in arguments.input:
        if not paths.is_folder(text):
            raise UsageError(f"--watch takes folders, and {text} is none", hint="name a folder that is there")
    for option in ("--from", "--overwrite"):
        if getattr(arguments, "listed" if option == "--from" else "overwrite"):
            raise UsageError(
                f"--watch goes without {option}", hint="what has changed is made anew all the same"
            )
    ears.library()
    if arguments.output is not None and not is_url(arguments.output):
        planning.create(Path(arguments.output))


def supplied(
    arguments: argparse.Namespace,
    planned: list[Item],
    plan: Callable[[], list[Item]],
    wanted: Wanted,
    order: Order,
    model: DreamModel,
    reporter: Reporter,
) -> Supply:
    """Return the pictures of a plan, or those that `plan` comes to plan as they arrive."""
    if arguments.watch:
        return _watched(arguments, plan, wanted, order, model)
    return _settled(arguments, planned, wanted, order, model, reporter)


def _watched(
    arguments: argparse.Namespace,
    plan: Callable[[], list[Item]],
    wanted: Wanted,
    order: Order,
    model: DreamModel,
) -> Supply:
    """Return the pictures that arrive in the folders of the order."""
    from engine.batch.again import look_again
    from engine.batch.arrivals import Arrivals
    from engine.batch.ears import Ears
    from engine.batch.naming import Naming
    from engine.batch.shares import share_unforeseen

    folders = [Path(x) for x in arguments.input]
    naming = Naming.of(arguments.name, arguments.format)

    def heeded(path: str) -> bool:
        name = Path(path).name
        return not (name.startswith(".") or (naming.made(name) and not naming.bare))

    def again(items: list[Item]) -> list[Item]:
        return items if arguments.keep else look_again(items, wanted, files_read(arguments))

    ears = Ears(folders, heeded, recursive=arguments.recursive)
    local = arguments.output is not None and not is_url(arguments.output)
    out = [Path(arguments.output)] if local else []
    arrivals = Arrivals(plan, again, [*folders, *out], ears)
    return Supply(arrivals, share_unforeseen(model, order.tiling, arguments.jobs), [], None, arrivals)


def _settled(
    arguments: argparse.Namespace,
    planned: list[Item],
    wanted: Wanted,
    order: Order,
    model: DreamModel,
    reporter: Reporter,
) -> Supply:
    """Return the pictures of a plan, as far as their results are not those that are wanted."""
    from engine.batch.again import look_again
    from engine.batch.events import Job, Skipped
    from engine.batch.shares import Shares, share

    if not arguments.keep:
        planned = look_again(planned, wanted, files_read(arguments), reporter.looking)
        reporter.clear()
    items = [x for x in planned if not isinstance(x, Skipped)]
    pictures = sum(isinstance(x, Job) for x in items)
    alone = Shares(1, 1, frozenset())  # a cluster's workers have processors of their own
    shares = alone if arguments.cluster else share(planned, model, order.tiling, arguments.jobs)
    return Supply(items, shares, planned, pictures)


def made_by_others(arguments: argparse.Namespace, wanted: Wanted, began: float) -> Callable[[Job], bool]:
    """Return what tells whether a result that is there when a picture's turn comes is what is wanted.

    `began` is when this run did, in seconds since 1970.
    """
    if arguments.keep:
        return lambda _: True
    if not arguments.overwrite:  # one that does not say how it was made is new: it would have been skipped
        return lambda job: not wanted.change(job)

    def made(job: Job) -> bool:
        state = paths.state(job.target) if isinstance(job.target, Path) else None
        return state is not None and state[0] >= began * 1e9 and wanted.change(job) == ""

    return made
