"""A few inputs of each subject, the same each time; and that the net holds what falls into it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fuzz import SUBJECTS
from tests.fuzz.case import Case, dream, photo
from tests.fuzz.crew import Worker, tried
from tests.fuzz.verdict import judge
from tests.fuzz.worker import make

COUNTS = {
    "pictures": 150,
    "attached": 120,
    "recipes": 150,
    "presets": 150,
    "models": 60,
    "wire": 100,
    "signals": 5,
}
SEED = 11


@pytest.mark.slow
@pytest.mark.parametrize("subject", SUBJECTS)
def test_no_input_shows_a_fault(subject: str) -> None:
    outcomes: Counter[str] = Counter()
    faults = []
    for _, _, number, verdict in tried((subject, SEED, x) for x in range(COUNTS[subject])):
        outcomes[verdict.outcome] += 1
        if verdict.fault:
            faults.append(f"{number}: {verdict.outcome}: {verdict.detail}")
    assert not faults, "\n".join([f"python -m tests.fuzz --seed {SEED} --number N {subject}", *faults])
    if subject != "signals":  # a generator whose inputs all fare the same tests nothing
        assert len(outcomes) > 1, outcomes


@pytest.mark.parametrize("subject", SUBJECTS)
def test_an_input_is_known_by_its_number(subject: str) -> None:
    cases = [make(subject, 3, number) for number in range(20)]
    assert cases == [make(subject, 3, number) for number in range(20)]
    assert sum(x != y for x, y in pairwise(cases)) > 15


CASE = Case("", dream("photo.png"), frozenset({3}), {"photo.png": photo()}, result="out.png")
ERROR = '{"event": "error", "message": "%s", "hint": ""}'
REFUSED = ERROR % "photo.png is damaged"


@pytest.mark.parametrize(
    ("code", "stderr", "outcome"),
    [
        (0, "", "result"),
        (0, '{"event": "warning", "message": "alpha is dropped"}', "result with a warning"),
        (0, "deepdream: warning: alpha is dropped\n  hint: use PNG", "result with a warning"),
        (3, REFUSED, "refused (3)"),
        (3, "deepdream: error: photo.png is damaged", "refused (3)"),
        (1, ERROR % "not enough memory", "not enough memory"),
    ],
)
def test_what_is_allowed(tmp_path: Path, code: int, stderr: str, outcome: str) -> None:
    lay(tmp_path, whole=code == 0)
    verdict = judge(CASE, code, stderr, tmp_path)
    assert (verdict.outcome, verdict.fault) == (outcome, False)


@pytest.mark.parametrize(
    ("code", "stderr"),
    [
        (1, REFUSED),
        (2, REFUSED),
        (-11, ""),
        (3, ""),
        (3, ERROR % "photo.png is damaged or incomplete: "),
        (3, ERROR % "it has no b'tensor'"),
        (3, ERROR % "one\\u001b[2J"),
        (3, ERROR % ("a" * 5000)),
        (3, "Traceback (most recent call last):"),
        (0, "/lib/PIL/Image.py:946: UserWarning: Tag data larger than file"),
    ],
)
def test_what_is_not(tmp_path: Path, code: int, stderr: str) -> None:
    lay(tmp_path, whole=code == 0)
    assert judge(CASE, code, stderr, tmp_path).fault


def test_files_are_looked_at(tmp_path: Path) -> None:
    lay(tmp_path, whole=False)
    assert judge(CASE, 0, "", tmp_path).outcome == "files"
    assert not judge(CASE, 3, REFUSED, tmp_path).fault
    (tmp_path / ".deepdream-0123456789ab.part").touch()
    assert judge(CASE, 3, REFUSED, tmp_path).outcome == "files"
    (tmp_path / ".deepdream-0123456789ab.part").unlink()
    (tmp_path / "out.png").write_bytes(photo()[:60])
    assert judge(CASE, 0, "", tmp_path).outcome == "files"
    assert judge(CASE, 3, REFUSED, tmp_path).outcome == "files"
    (tmp_path / "out.png").unlink()
    (tmp_path / "photo.png").write_bytes(b"")
    assert judge(CASE, 3, REFUSED, tmp_path).outcome == "files"


def lay(folder: Path, *, whole: bool) -> None:
    (folder / "photo.png").write_bytes(photo())
    if whole:
        (folder / "out.png").write_bytes(photo())


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("import os; input(); os.abort()", "crash"),
        ("import time; input(); time.sleep(600)", "hang"),
        ("raise SystemExit", "crash"),
    ],
)
def test_crashes_and_hangs_are_outcomes(program: str, outcome: str) -> None:
    worker = Worker("-c", program)
    try:
        verdict = worker.ask("models 1 1", patience=60 if outcome == "crash" else 0.5)
    finally:
        worker.dismiss()
    assert (verdict.outcome, verdict.fault) == (outcome, True)
