"""What runs on a machine of a cluster: one open model, which takes pictures."""

from __future__ import annotations

import platform
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from engine._version import __version__
from engine.batch.events import Done, Failed, Progress, Streams, Warned
from engine.batch.jobs import Patience, perform
from engine.cluster.parcels import Parcel
from engine.errors import ImageError
from engine.network.model import model_of
from engine.settings.origin import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.ascent.order import Order
    from engine.batch.events import Event, Job
    from engine.errors import DreamError
    from engine.remote import Place
    from engine.settings.output import Output


@dataclass(frozen=True)
class Commission:
    """What every worker is to do; it travels to each of them once."""

    model: bytes = field(repr=False)
    """The model file's content: so all machines have the same."""

    name: str
    """What messages and recipes call it."""

    order: Order
    output: Output
    device: str = "auto"
    """What to compute on: each worker finds out by itself what works."""

    threads: int = 1
    """Processors that a worker uses on a CPU.  They decide a result's last bits, so all have the same."""

    retries: int = 0
    """How often a picture is read again; see `Patience`."""

    digests: bool = False
    """Whether results in a store are read again for their sha256."""


@dataclass(frozen=True)
class Greeting:
    """What a worker says when its model is open."""

    device: str
    version: str
    """The program's."""

    host: str


@dataclass(frozen=True)
class Outcome:
    """What became of a picture."""

    warnings: tuple[str, ...] = ()
    """What the user should know."""

    error: DreamError | None = None
    """Why there is no result, if there is none."""

    seconds: float = 0.0
    """How long it took."""

    sha256: str = ""
    """Of a result in a store, where that is wanted."""

    content: bytes | None = field(default=None, repr=False)
    """The result's file, where the machine that has the picture is to write it."""


class Worker:
    """Takes pictures, from several threads: while one is computed, another is read or written."""

    def __init__(self, commission: Commission) -> None:
        """Open the model; raise a DreamError where that fails."""
        self._commission = commission
        self._turn = threading.Lock()
        self._model = model_of(
            commission.model,
            commission.name,
            device=commission.device,
            threads=commission.threads,
            precision="full",
        )

    def greet(self) -> Greeting:
        """Say what computes here; that it answers at all shows that it is alive."""
        return Greeting(self._model.device, __version__, platform.node())

    def dream(self, job: Job) -> Outcome:
        """Dream on a picture."""
        commission = self._commission
        patience = Patience(commission.retries)
        events = perform(job, self._model, commission.order, Streams(None, None), commission.output, patience)
        outcome = Outcome()
        for event in self._in_turn(events):
            match event:
                case Warned(_, message):
                    outcome = replace(outcome, warnings=(*outcome.warnings, message))
                case Failed(_, error):
                    outcome = replace(outcome, error=error)
                case Done(_, seconds):
                    outcome = replace(outcome, seconds=seconds)
        if outcome.error is not None or job.target is None:
            return outcome
        if isinstance(job.target, Parcel):
            return replace(outcome, content=job.target.held[0])
        return replace(outcome, sha256=_digest(job.target)) if commission.digests else outcome

    def _in_turn(self, events: Iterator[Event]) -> Iterator[Event]:
        """Pass on all events but the steps, which only one picture at a time makes."""
        at_it = False
        try:
            for event in events:
                if not isinstance(event, Progress):
                    yield event
                elif not at_it and event.step.fraction < 1:
                    at_it = self._turn.acquire()
                elif at_it and event.step.fraction >= 1:
                    self._turn.release()
                    at_it = False
        finally:
            if at_it:
                self._turn.release()


def _digest(target: Place) -> str:
    try:
        return origin_of(target).sha256
    except ImageError:
        return ""
