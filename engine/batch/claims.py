"""Who is at work on which result, told by small files beside the results: several processes share a folder.

A claim is a hidden link or file that only one process can create, on any file system; it says which process
that is.  Whoever finds the claim of a process that has ended does not remove it, since another may have
found it, too: he makes the next one, which again only one can.  So claims of one result are numbered, and
the last one counts.  They are removed from the first to the last, by whoever holds the last.

A claim of another machine, whose processes nobody here can look up, counts as long as it is renewed.  What
no process says, such as half a picture on a disk that was damaged, is nobody's claim, and ends at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Final

from engine import atomic, paths, processes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORM: Final = re.compile(r"\.deepdream-([0-9a-f]{16})-[0-9]+\.claim")
"""Pattern of the names that claims have: digits that stand for the result's name, then their number."""

BEGUN: Final = re.compile(r"[0-9a-f-]*\0*")
"""Pattern of what claims say, also while they are written, or not yet seen whole by another machine."""

RENEWED: Final = 60.0
"""Seconds after which a claim is renewed."""

EXPIRED: Final = 600.0
"""Seconds after which a claim that is not renewed counts no more, if its process cannot be looked up."""


class Claims:
    """The claims of this process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._held: dict[tuple[Path, str], list[Path]] = {}
        self._renewed = clock()
        self._strangers: dict[Path, tuple[object, float]] = {}
        """Claims of other machines: how each was seen last, and since when it is seen so."""

    def take(self, target: Path) -> bool:
        """Claim a result; return False where somebody else is at work on it.

        Where no claim can be made it counts as made: a folder that takes no claim takes no result either.
        """
        return self._take(target.parent, _digits(target))

    def release(self, target: Path) -> None:
        """Take back a claim, if it is ours."""
        self._release((target.parent, _digits(target)))

    def renew(self) -> None:
        """Show other machines that this process is at work; to be called again and again."""
        if self._clock() - self._renewed < RENEWED:
            return
        self._renewed = self._clock()
        for claims in self._held.values():
            # Gone, or on a system that cannot set a link's own time (NotImplementedError).
            with contextlib.suppress(OSError, NotImplementedError):
                os.utime(claims[-1], follow_symlinks=False)

    def clear(self, folder: Path) -> None:
        """Remove the claims that processes which have ended left in a folder."""
        try:
            found = {x[1] for name in os.listdir(folder) if (x := FORM.fullmatch(name))}  # noqa: PTH208
        except OSError:
            return
        for digits in found:
            if (folder, digits) not in self._held and self._take(folder, digits):
                self._release((folder, digits))

    def close(self) -> None:
        """Take back all claims."""
        for key in list(self._held):
            self._release(key)

    def _take(self, folder: Path, digits: str) -> bool:
        ended: list[tuple[Path, str]] = []
        while True:
            claim = folder / f".deepdream-{digits}-{len(ended)}.claim"
            try:
                made = _create(claim)
            except OSError:
                return True
            if made and all(_owner(x) == owner for x, owner in ended):
                self._held[folder, digits] = [*(x for x, _ in ended), claim]
                return True
            if made:  # whoever held the last one took all back meanwhile
                _remove(claim)
            owner = None if made else _owner(claim)
            if owner is None:
                ended = []
            elif self._has_ended(claim, owner):
                ended.append((claim, owner))
            else:
                return False

    def _release(self, key: tuple[Path, str]) -> None:
        for claim in self._held.pop(key, []):
            _remove(claim)

    def _has_ended(self, claim: Path, owner: str) -> bool:
        known = processes.has_ended(owner)
        if known is not None:
            return known
        if not BEGUN.fullmatch(owner):
            return True
        now, state = self._clock(), (owner, _state(claim))  # no clock of another machine is asked
        before, since = self._strangers.get(claim, (None, now))
        self._strangers[claim] = (state, since if state == before else now)
        return state == before and now - since > EXPIRED


def _digits(target: Path) -> str:
    """Return what stands for a result's name, the same for all names that are one on some disk."""
    return hashlib.sha256(os.fsencode(paths.folded(target.name))).hexdigest()[:16]


def _create(claim: Path) -> bool:
    """Make a claim of this process; return False where there is one; raise OSError where none can be made."""
    owner = processes.this()
    try:
        _link(claim, owner)
    except FileExistsError:
        return False
    except (OSError, NotImplementedError):  # FAT, some disks in the network, Windows; systems without links
        return _write(claim, owner)
    atomic.remember(claim)
    return True


def _link(claim: Path, owner: str) -> None:
    """Make a claim with its owner in one step: as a link that leads nowhere."""
    claim.symlink_to(owner)


def _write(claim: Path, owner: str) -> bool:
    """Make a claim in two steps, where there are no links: who is killed between them stays unknown."""
    try:
        file = os.open(claim, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    atomic.remember(claim)
    try:
        os.write(file, owner.encode())
    except OSError:
        _remove(claim)
        raise
    finally:
        os.close(file)
    return True


def _remove(claim: Path) -> None:
    with contextlib.suppress(OSError):
        claim.unlink()
    atomic.forget(claim)


def _owner(claim: Path) -> str | None:
    """Return what a claim says; None if it is gone, empty where it says nothing, or not to us."""
    try:
        return os.readlink(claim)  # noqa: PTH115 - what it says is no path
    except FileNotFoundError:
        return None
    except OSError:
        pass
    try:
        with paths.open_file(claim) as file:
            return file.read(100).decode("ascii", "replace")
    except FileNotFoundError:
        return None
    except OSError:  # another user's, who lets nobody read it
        return ""


def _state(claim: Path) -> int | None:
    """Return when a claim was renewed last; None if it is gone."""
    try:
        return claim.lstat().st_mtime_ns
    except OSError:
        return None
