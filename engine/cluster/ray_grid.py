"""Workers on the machines of a Ray cluster: one for each GPU, or for each group of processors.

Ray is asked for little: to start a process on a machine, to call it, and to say when it is gone.  It never
starts one again, nor calls one twice: whom work is given to is for `fleet` to say.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from engine._version import __version__
from engine.cluster.fleet import AHEAD, Finished, Joined, Lost, Trouble
from engine.cluster.worker import Worker
from engine.errors import DeviceError

if TYPE_CHECKING:
    from engine.batch.events import Job
    from engine.cluster.fleet import News
    from engine.cluster.ray_session import Session
    from engine.cluster.worker import Commission

TICK: Final = 0.2
"""Seconds that are waited for something to happen."""

MUSTER: Final = 2.0
"""Seconds between two looks at which machines there are."""

GREETED: Final = 15.0
"""Seconds between two calls that ask whether a worker is alive."""

SILENCE: Final = 120.0
"""Seconds without an answer after which it is not: its process may be stopped, or its network gone."""

STARTS: Final = 3
"""Workers in a row that may fail on a machine before it answers; then it is left alone."""


@dataclass
class _Hand:
    """A worker, from when it is asked for."""

    number: int
    node: str
    where: str
    actor: Any
    greeting: Any
    """The call of `greet` that waits for its answer; None where none does."""

    asked: float
    """When that was made."""

    joined: bool = False


@dataclass
class _Machine:
    """A machine of the cluster."""

    name: str
    room: int
    """Workers that it holds."""

    needs: dict[str, Any]
    """What Ray is to keep free for each of them."""

    failures: int = 0
    """Workers in a row that did not come to answer."""


@dataclass
class RayGrid:
    """A Ray cluster; see `engine.cluster.fleet.Grid`."""

    session: Session
    commission: Commission
    at_most: int | None = None
    """Workers, at most; None for as many as there is room for."""

    _machines: dict[str, _Machine] = field(default_factory=dict)
    _hands: dict[int, _Hand] = field(default_factory=dict)
    _running: dict[Any, tuple[int, Job]] = field(default_factory=dict)
    _mustered: float = 0.0
    _peopled: float = -SILENCE
    """When there were workers, the last time: machines that are lost are mostly replaced by others."""

    _count: int = 0
    _reason: str = ""
    """Why a worker did not start, the last time."""

    def __enter__(self) -> None:
        """Connect; raise DeviceError where there is no such cluster."""
        self.session.open()
        ray = self.session.ray
        self._actor = ray.remote(max_restarts=0, max_task_retries=0, max_concurrency=AHEAD + 1)(Worker)
        self._order = self._on_cpu = ray.put(self.commission)
        if self.commission.device == "auto":  # where Ray knows of no GPU, several workers share a machine
            self._on_cpu = ray.put(replace(self.commission, device="cpu"))

    def __exit__(self, *exception: object) -> None:
        self._hands.clear()
        self.session.close()

    def give(self, worker: int, packed: Job, job: Job) -> None:
        """Give a picture to a worker; see `Grid`."""
        self._running[self._hands[worker].actor.dream.remote(packed)] = worker, job

    def news(self) -> list[News]:
        """Wait a moment for something to happen; see `Grid`."""
        found: list[News] = []
        now = time.monotonic()
        if now >= self._mustered + MUSTER:
            self._mustered = now
            found += self._muster()
            self._ask(now)
        greetings = {x.greeting: x for x in self._hands.values() if x.greeting is not None}
        calls = [*greetings, *self._running]
        if not calls:
            time.sleep(TICK)
            return found
        wait = self.session.ray.wait
        if wait(calls, num_returns=1, timeout=TICK)[0]:
            calls = wait(calls, num_returns=len(calls), timeout=0)[0]  # and all others that are ready
        else:
            calls = []
        for call in calls:
            hand = greetings.get(call)
            if hand is not None and hand.number in self._hands:
                found += self._greeted(hand)
            elif call in self._running:  # else its worker was lost with the call before
                found += self._answered(call)
        return found

    def _muster(self) -> list[News]:
        """Start workers on all machines that have room for more."""
        alive = {x["NodeID"]: x for x in self.session.ray.nodes() if x["Alive"]}
        for node, about in alive.items():
            machine = self._machines.setdefault(node, self._looked_at(about))
            held = sum(x.node == node for x in self._hands.values())
            free = machine.room - held if machine.failures < STARTS else 0
            for _ in range(free):
                if self.at_most is None or len(self._hands) < self.at_most:
                    self._hire(node, machine)
        now = time.monotonic()
        self._peopled = now if self._hands else self._peopled
        if not self._hands and now >= self._peopled + SILENCE:
            reason = self._reason or f"it has nothing for --device {self.commission.device}"
            raise DeviceError(
                f"no machine of the cluster can dream: {reason}", hint="each needs the same deepdream-onnx"
            )
        return []

    def _looked_at(self, about: dict[str, Any]) -> _Machine:
        """Return how many workers a machine holds, by what Ray says of it."""
        has, device = about["Resources"], self.commission.device
        name = about["NodeManagerHostname"] or about["NodeManagerAddress"]
        gpus = 0 if device in {"cpu", "webgpu"} else int(has.get("GPU", 0))
        if gpus:
            return _Machine(name, gpus, {"num_gpus": 1, "num_cpus": 0})
        if device == "webgpu":  # which takes the machine's best GPU, whatever Ray assigns
            return _Machine(name, 1, {"num_cpus": 1})
        threads = self.commission.threads
        room = int(has.get("CPU", 0)) // threads if device in {"auto", "cpu"} else 0
        memory = int(has.get("memory", 0))
        need = min(self.commission.order.tiling.max_memory, memory)
        if need:
            room = min(room, memory // need)
        return _Machine(name, room, {"num_cpus": threads, "memory": need})

    def _hire(self, node: str, machine: _Machine) -> None:
        """Ask for a worker on a machine; Ray starts it once there is room, which may be never."""
        where = self.session.affinity(node)
        order = self._order if "num_gpus" in machine.needs else self._on_cpu
        actor = self._actor.options(scheduling_strategy=where, **machine.needs).remote(order)
        self._count += 1
        self._hands[self._count] = _Hand(
            self._count, node, machine.name, actor, actor.greet.remote(), time.monotonic()
        )

    def _ask(self, now: float) -> None:
        """Ask the workers whether they are alive; let go of those that do not answer."""
        for hand in self._hands.values():
            if hand.greeting is None and now >= hand.asked + GREETED:
                hand.greeting, hand.asked = hand.actor.greet.remote(), now
            elif hand.joined and hand.greeting is not None and now >= hand.asked + SILENCE:
                self.session.ray.kill(hand.actor)  # its calls fail, as those of any lost worker do

    def _greeted(self, hand: _Hand) -> list[News]:
        """Take a worker's word that it is alive."""
        try:
            greeting = self.session.ray.get(hand.greeting)
        except Exception as error:  # noqa: BLE001 - whatever kept it from starting
            return self._gone(hand, error)
        hand.greeting = None
        if hand.joined:
            return []
        if greeting.version != __version__:
            here = f"version {greeting.version} is installed there, {__version__} here"
            return self._dismissed(hand, here)
        hand.joined, self._machines[hand.node].failures = True, 0
        return [Joined(hand.number, f"{greeting.device} on {greeting.host}")]

    def _answered(self, call: Any) -> list[News]:
        """Take a worker's word about a picture; what it raises that is no loss is a bug, and raised here."""
        number, job = self._running.pop(call)
        try:
            return [Finished(number, job, self.session.ray.get(call))]
        except self.session.losses as error:
            hand = self._hands.get(number)
            return self._gone(hand, error) if hand is not None else []

    def _gone(self, hand: _Hand, error: Exception) -> list[News]:
        """Let go of a worker that a call failed on."""
        alive = {x["NodeID"] for x in self.session.ray.nodes() if x["Alive"]}
        if hand.node not in alive:
            self._drop(hand)
            return [Lost(hand.number, "its machine does not answer", machine=True)] if hand.joined else []
        why = reason_of(error)
        if hand.joined:
            self._drop(hand)
            return [Lost(hand.number, why, machine=False)]
        return self._dismissed(hand, why)

    def _dismissed(self, hand: _Hand, why: str) -> list[News]:
        """Let go of a worker that did not come to work; after several, of its machine."""
        self._drop(hand)
        self._reason = f"{hand.where}: {why}"
        machine = self._machines[hand.node]
        machine.failures += 1
        if machine.failures != STARTS:
            return []
        return [Trouble(f"no worker starts on {hand.where}: {why}")]

    def _drop(self, hand: _Hand) -> None:
        """Forget a worker and its calls, and make sure that its process ends."""
        del self._hands[hand.number]
        self._running = {call: x for call, x in self._running.items() if x[0] != hand.number}
        with contextlib.suppress(Exception):  # it is gone already, mostly
            self.session.ray.kill(hand.actor)


def reason_of(error: Exception) -> str:
    """Return in one line why Ray says that a worker is lost: it writes pages."""
    lines = [" ".join(x.split()) for x in str(error).splitlines()]
    said = [x for x in lines if x]
    named = [x.rpartition("Error: ")[2] for x in said if re.match(r"[\w.]*Error: ", x)]
    return (named or said or [type(error).__name__])[-1][:200]
