"""A published file, over HTTP: resumed where it was broken off, and kept only with its publisher's hash.

`requests` (extra [weights]) knows proxies from the environment, certificates and redirects.  What it has not
is a way to go on with half a file.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urlsplit

from engine import atomic, paths, processes
from engine.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Told: TypeAlias = Callable[[int, int | None], object]

CONNECT: Final = 20.0
"""Seconds to wait for a connection."""

READ: Final = 60.0
"""Seconds to wait for the next bytes."""

TRIES: Final = 5
"""Times that a transfer which breaks off is taken up again, as long as each brings something."""

BLOCK: Final = 1 << 20
"""Bytes that are read, written and told at once."""

LARGEST: Final = 2 << 30
"""Bytes of a file, at most, whatever the server says."""

PARTIAL: Final = r"{}-([0-9a-f]{{1,16}}-[0-9a-f]{{1,16}}-[0-9a-f]{{1,20}})\.partial"
"""Pattern of the names of files that are not whole: what they become, and the process that fetches them."""


class FetchError(ModelError):
    """Say why a file could not be fetched; what has come of it is kept for the next time."""


class _BrokenOff(Exception):  # noqa: N818 - one of several ends of a transfer
    """A transfer has ended before the file did."""


def fetch(address: str, digest: str, folder: Path, told: Told) -> Path:
    """Fetch a file into a folder, under the name that its address ends in, and return its path.

    One that is there already, whole, is taken as it is; what an earlier process left of it is gone on with.

    Args:
        address: its URL.
        digest: `md5:`, `sha1:` or `sha256:` and the hexadecimal digits that its content must have.
        folder: where to keep it; it is made where it is missing.
        told: called with the bytes that are there and those of the whole file, None where that is unknown.

    Raises:
        FetchError: where it cannot be had, or is another file than it must be.
        UsageError: where the extra [weights] is missing.
        ModelError: where it cannot be written.
    """
    target = folder / PurePosixPath(urlsplit(address).path).name
    with atomic.explaining(target, ModelError):
        folder.mkdir(parents=True, exist_ok=True)
        if paths.is_file(target) and _digest(target, digest) == digest:
            return target
        part = _take_over(target)
        try:
            for _ in range(2):  # what was resumed may have been another version's: once more, from the start
                resumed = part.stat().st_size > 0
                _transfer(address, part, told)
                if _digest(part, digest) == digest:
                    part.replace(target)
                    return target
                part.write_bytes(b"")
                if not resumed:
                    break
        finally:
            if paths.is_file(part) and not part.stat().st_size:
                part.unlink()
    raise FetchError(f"{address} is not the file that was published: its hash is another one", hint="")


def _transfer(address: str, part: Path, told: Told) -> None:
    """Fetch what is missing of a file; raise FetchError where that cannot be had."""
    tries = 0
    while True:
        before = part.stat().st_size
        try:
            _once(address, part, told)
        except _BrokenOff as error:
            tries += 1
            if part.stat().st_size != before and tries < TRIES:
                continue
            raise FetchError(f"{_host(address)} stopped sending the file: {error}", hint="") from error
        return


def _once(address: str, part: Path, told: Told) -> None:
    """Go on with a file until it is whole; raise _BrokenOff where the transfer ends before."""
    have = part.stat().st_size
    headers = {"Accept-Encoding": "identity", "User-Agent": "deepdream-onnx"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with _answer(address, headers) as answer:
        if answer.status_code == 416:  # nothing is left to send, or it is another file now: its hash tells
            return
        if answer.status_code not in {200, 206}:
            raise FetchError(f"{_host(address)} answered {answer.status_code} {_said(answer)}", hint="")
        if answer.status_code == 206 and _begin(answer) != have:
            raise _BrokenOff("it sent another part than it was asked for")
        if answer.status_code == 200:  # the whole file, whatever was asked for
            have = 0
        length = answer.headers.get("Content-Length", "")
        whole = have + int(length) if length.isdecimal() else None
        if (whole or 0) > LARGEST:
            raise FetchError(f"{_host(address)} sends {whole} bytes, more than any weights have", hint="")
        with part.open("ab") as file:
            file.truncate(have)
            for block in _blocks(answer):
                file.write(block)
                have += len(block)
                if have > LARGEST:
                    raise FetchError(f"{_host(address)} sends more than any weights have", hint="")
                told(have, whole)
        if whole is not None and have < whole:
            raise _BrokenOff(f"{have} of {whole} bytes came")


@contextlib.contextmanager
def _answer(address: str, headers: dict[str, str]) -> Iterator[Any]:
    """Ask for a file; raise FetchError where nobody answers."""
    requests = _requests()
    try:
        with requests.get(address, headers=headers, stream=True, timeout=(CONNECT, READ)) as answer:
            yield answer
    except requests.exceptions.RequestException as error:
        raise FetchError(f"{_host(address)} cannot be reached: {_why(error)}", hint="") from error


def _blocks(answer: Any) -> Iterator[bytes]:
    """Yield what comes; raise _BrokenOff where that ends with an error."""
    requests = _requests()
    try:
        yield from answer.iter_content(BLOCK)
    except requests.exceptions.RequestException as error:
        raise _BrokenOff(_why(error)) from error


def _requests() -> Any:
    try:
        import requests  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            f"fetching a model needs the extra [weights] ({error.name} is missing)",
            hint='pip install "deepdream-onnx[weights]"',
        ) from error
    return requests


def _take_over(target: Path) -> Path:
    """Return this process's own file for what is not whole: the longest that no living process is at."""
    own = target.with_name(f"{target.name}-{processes.this()}.partial")
    form = re.compile(PARTIAL.format(re.escape(target.name)))
    left = [x for x in target.parent.iterdir() if (found := form.fullmatch(x.name)) and _is_left(found[1])]
    left.sort(key=lambda x: x.stat().st_size)
    if left and left[-1] != own:
        left.pop().replace(own)
    for shorter in left:
        if shorter != own:
            shorter.unlink(missing_ok=True)
    own.touch()
    return own


def _is_left(process: str) -> bool:
    return process == processes.this() or processes.has_ended(process) is True


def _digest(file: Path, like: str) -> str:
    """Return a file's hash in the form of another one: `md5:…`, say."""
    kind = like.partition(":")[0]
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, lambda: hashlib.new(kind, usedforsecurity=False))
    return f"{kind}:{found.hexdigest()}"


def _begin(answer: Any) -> int | None:
    """Return where the part begins that a server sends."""
    found = re.match(r"bytes (\d{1,18})-", answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def _said(answer: Any) -> str:
    text = str(answer.reason or "")[:100]
    return text if text.isprintable() else ""


def _why(error: BaseException) -> str:
    """Return in a few words what went wrong on the way: requests wraps one error in another."""
    inner: BaseException | None = error
    last = error
    while inner is not None:
        last = inner
        reason = getattr(inner, "reason", None) or next(
            (x for x in inner.args if isinstance(x, Exception)), None
        )
        inner = inner.__cause__ or (reason if isinstance(reason, BaseException) else None)
    text = getattr(last, "strerror", None) or str(last)
    text = " ".join("".join(x if x.isprintable() else " " for x in text).split())
    return text[:200] or type(last).__name__
