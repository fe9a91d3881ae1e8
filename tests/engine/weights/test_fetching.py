"""Fetching a published file, from a server of our own that goes wrong in each way that servers do."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from engine import processes
from engine.errors import ModelError, UsageError
from engine.weights import fetching
from engine.weights.fetching import FetchError, fetch
from tests.engine.weights.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.engine.weights.server import Served

CONTENT = bytes(range(256)) * 40
DIGEST = f"md5:{hashlib.md5(CONTENT).hexdigest()}"  # noqa: S324 - what Keras publishes


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxies of whoever runs the tests; and blocks so small that a file has many."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(fetching, "BLOCK", 1000)


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(CONTENT) as found:
        yield found


def fetched(served: Served, folder: Path, digest: str = DIGEST) -> Path:
    return fetch(served.address, digest, folder, lambda *_: None)


def test_a_file_is_fetched_with_progress_and_only_once(served: Served, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    file = fetch(served.address, DIGEST, tmp_path / "새 폴더", lambda *x: told.append(x))
    assert file == tmp_path / "새 폴더" / "weights.h5"
    assert file.read_bytes() == CONTENT
    assert [x for x, _ in told] == sorted(x for x, _ in told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert fetched(served, file.parent) == file
    assert served.asked == ["/weights.h5"]
    assert list(file.parent.iterdir()) == [file]


def test_other_hashes_are_known_too(served: Served, tmp_path: Path) -> None:
    fetched(served, tmp_path, f"sha256:{hashlib.sha256(CONTENT).hexdigest()}")
    sha1 = hashlib.sha1(CONTENT).hexdigest()  # noqa: S324 - what Caffe's repository publishes
    fetched(served, tmp_path / "again", f"sha1:{sha1}")
    with pytest.raises(FetchError, match="hash is another one"):
        fetched(served, tmp_path / "other", f"sha1:{sha1[::-1]}")


@pytest.mark.parametrize("ranges", [True, False])
def test_a_transfer_that_breaks_off_is_taken_up_where_it_ended(
    served: Served, tmp_path: Path, ranges: bool
) -> None:
    """Or from the beginning, where the server knows no parts."""
    served.breaks, served.ranges = [3000, 2000], ranges
    assert fetched(served, tmp_path).read_bytes() == CONTENT
    assert served.asked[0] == "/weights.h5"
    assert all("bytes=" in x for x in served.asked[1:])


def test_one_that_brings_nothing_any_more_is_given_up_and_kept_for_the_next(
    served: Served, tmp_path: Path
) -> None:
    served.breaks = [3000, 0]
    with pytest.raises(FetchError, match="stopped sending"):
        fetched(served, tmp_path)
    assert [x.stat().st_size for x in tmp_path.iterdir()] == [3000]
    assert fetched(served, tmp_path).read_bytes() == CONTENT
    assert served.asked[-1] == "/weights.h5 bytes=3000-"


def test_what_a_killed_process_left_is_gone_on_with_and_what_a_living_one_fetches_is_not(
    served: Served, tmp_path: Path
) -> None:
    here = processes.here()
    dead = tmp_path / f"weights.h5-{here}-{2**22 + 1:x}-1.partial"
    parent = f"{here}-{os.getppid():x}-{processes.began(os.getppid()) or 0:x}"
    living = tmp_path / f"weights.h5-{parent}.partial"
    dead.write_bytes(CONTENT[:5000])
    living.write_bytes(CONTENT[:6000])
    assert fetched(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["/weights.h5 bytes=5000-"]
    assert living.read_bytes() == CONTENT[:6000]
    assert not dead.exists()


def test_what_was_left_of_another_file_is_fetched_anew(served: Served, tmp_path: Path) -> None:
    (tmp_path / f"weights.h5-{processes.this()}.partial").write_bytes(b"x" * 5000)
    assert fetched(served, tmp_path).read_bytes() == CONTENT
    assert served.asked == ["/weights.h5 bytes=5000-", "/weights.h5"]


@pytest.mark.parametrize("more", [0, 7])
def test_what_was_left_whole_or_too_long_is_settled_by_its_hash(
    served: Served, tmp_path: Path, more: int
) -> None:
    (tmp_path / f"weights.h5-{processes.this()}.partial").write_bytes(CONTENT + bytes(more))
    assert fetched(served, tmp_path).read_bytes() == CONTENT


def test_another_file_than_the_published_one_is_not_kept(served: Served, tmp_path: Path) -> None:
    served.content = CONTENT[:-1] + b"!"
    with pytest.raises(FetchError, match="its hash is another one"):
        fetched(served, tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("status", [403, 404, 500, 503])
def test_an_answer_without_the_file_is_told(served: Served, tmp_path: Path, status: int) -> None:
    served.status = status
    with pytest.raises(FetchError, match=rf"127\.0\.0\.1 answered {status}"):
        fetched(served, tmp_path)
    assert not list(tmp_path.iterdir())


def test_one_that_sends_nothing_more_is_not_waited_for_for_ever(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ", 0.1)
    served.stuck = threading.Event()
    with pytest.raises(FetchError, match="stopped sending"):
        fetched(served, tmp_path)


def test_no_more_is_taken_than_any_weights_have(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LARGEST", 5000)
    with pytest.raises(FetchError, match="more than any weights have"):
        fetched(served, tmp_path)


def test_without_a_network_it_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.socket() as nobody:  # bound, and not listening
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/weights.h5"
        with pytest.raises(FetchError, match=r"127\.0\.0\.1 cannot be reached: Connection refused$"):
            fetch(address, DIGEST, tmp_path, lambda *_: None)


def test_the_environment_names_the_proxy(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy is asked for the whole address."""
    monkeypatch.setenv("http_proxy", served.address.rpartition("/")[0])
    fetch("http://weights.invalid/weights.h5", DIGEST, tmp_path, lambda *_: None)
    assert served.asked == ["http://weights.invalid/weights.h5"]


def test_a_full_disk_is_called_so(served: Served, small_disk: Path) -> None:
    served.content = CONTENT * 10
    with pytest.raises(ModelError, match="No space left") as refused:
        fetched(served, small_disk)
    assert "make room" in refused.value.hint


def test_without_requests_the_extra_is_named(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(UsageError, match=r"\[weights\]"):
        fetched(served, tmp_path)
