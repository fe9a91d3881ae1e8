"""What an order of many pictures is made of, and what can happen to each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engine.ascent.step import Step
    from engine.errors import DreamError
    from engine.library.dreaming import Dreaming
    from engine.remote import Place

FINISHED: Final = "finished"
"""Why a picture is skipped: its result is what this order would make."""

KEPT: Final = "kept"
"""Why a picture is skipped: its result stays, whatever it is."""

UNKNOWN: Final = "unknown"
"""Why a picture is skipped: its result does not say how it was made."""

ELSEWHERE: Final = "elsewhere"
"""Why a picture is skipped: another process made its result while this one was at work."""


@dataclass(frozen=True)
class Job:
    """One picture to dream on."""

    source: Place | None
    """File to read; None for standard input."""

    target: Place | None
    """File to write; None for standard output."""

    replaces: bool = field(default=False, compare=False)
    """Whether the result replaces what is there; one on a disk, which is looked at before, does so anyway."""

    @property
    def name(self) -> str:
        """What messages call the picture: its path as given, `-` for standard input."""
        return "-" if self.source is None else str(self.source)

    @property
    def output(self) -> str:
        """What messages call the result."""
        return "-" if self.target is None else str(self.target)


@dataclass(frozen=True)
class Skipped:
    """A picture whose result exists already."""

    job: Job

    reason: str = KEPT
    """`FINISHED`, `KEPT`, `UNKNOWN` or `ELSEWHERE`."""


@dataclass(frozen=True)
class Failed:
    """A picture that failed."""

    name: str
    error: DreamError

    target: Place | None = None
    """The file that its result would have gone to, if that is known."""


@dataclass(frozen=True)
class Warned:
    """Something that the user should know about a picture."""

    name: str
    message: str


@dataclass(frozen=True)
class Told:
    """Something that happened to the machines that dream, for people who watch."""

    message: str


@dataclass(frozen=True)
class Progress:
    """One Step of a picture's dream, with everything that is needed to keep it."""

    job: Job
    step: Step
    dreaming: Dreaming = field(repr=False)


@dataclass(frozen=True)
class Done:
    """A result that is written."""

    job: Job
    seconds: float

    sha256: str = ""
    """Of the result, where that is known already."""


Item: TypeAlias = Job | Skipped | Failed | Warned
Asked: TypeAlias = Item | None
"""What whoever has the work is asked for; None: nothing at the moment, ask again in a while."""

Event: TypeAlias = Skipped | Failed | Warned | Told | Progress | Done


@dataclass(frozen=True)
class Streams:
    """What `-` means."""

    stdin: BinaryIO | None
    """None where it is closed."""

    stdout: BinaryIO | None
    """None where it is closed."""


class Hands(Protocol):
    """Whoever dreams on the pictures of an order: the processors of this machine, or a cluster's."""

    at_once: int
    """Pictures that are dreamed on at the same time, where that is known."""

    unfinished: dict[str, Progress]
    """The last step of each picture at work that can be kept, by name."""

    def interrupt(self) -> bool:
        """Stop soon; return whether there is anything to finish.  `run` then raises KeyboardInterrupt."""

    def run(self, items: Iterable[Asked]) -> Iterator[Event]:
        """Dream on the pictures and yield what happens; nobody is at work any more when this ends."""
