"""What became of each picture: counts, reasons, and the report."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.batch import tally
from engine.batch.events import ELSEWHERE, FINISHED, Done, Failed, Item, Job, Skipped, Warned
from engine.batch.tally import Tally
from engine.errors import ImageError, UsageError
from engine.paths import Kept
from tests.engine.conftest import QUICK


def job(name: str) -> Job:
    return Job(Path(name + ".jpg"), Path(name + ".png"))


def some() -> list[Item]:
    return [Skipped(job("a"), FINISHED), job("b"), job("c"), job("d"), Warned("", "x"), job("e")]


def told(**options: bool) -> Tally:
    seen = Tally(some(), **options)
    seen.see(Done(job("b"), 1.23456))
    for name in "cd":
        seen.see(Failed(f"{name}.jpg", ImageError(f"{name}.jpg is not a picture"), Path(f"{name}.png")))
    seen.see(Failed("", UsageError("no room: 1 more picture was left out")))
    return seen


def test_counts_and_reasons_without_names() -> None:
    assert told().counts() == {"done": 1, "done elsewhere": 0, "skipped": 1, "failed": 2, "not begun": 1}
    assert told().reasons() == {"… is not a picture": 2}
    assert told().exit_code == 1


def test_what_becomes_of_a_picture_in_the_end_counts() -> None:
    """In a folder that is watched, much can."""
    seen = Tally([])
    for event in (
        Failed("a.jpg", ImageError("a.jpg is cut off"), Path("a.png")),
        Done(job("a"), 1.0),
        Skipped(job("a"), FINISHED),
        Skipped(job("b"), ELSEWHERE),
    ):
        seen.see(event)
    assert (seen.exit_code, seen.reasons()) == (0, {})
    assert seen.table() == {"done": 1, "done_elsewhere": 1, "skipped": 0, "failed": 0, "not_begun": 0}


def test_an_input_that_gives_nothing_has_a_row() -> None:
    seen = Tally([])
    seen.see(Failed("folder", ImageError("there are no pictures in the folder folder")))
    assert seen.counts()["failed"] == 1


@pytest.mark.parametrize("suffix", [".json", ".CSV"])
def test_a_report_has_one_row_a_picture(tmp_path: Path, monkeypatch, suffix: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.png").write_bytes(b"a")
    Path("b.png").write_bytes(b"b")
    file = tmp_path / f"report{suffix}"
    told(digests=True).write(file, 2.0)
    if suffix == ".json":
        report = json.loads(file.read_text())
        assert {
            "done": 1,
            "skipped": 1,
            "failed": 2,
            "not_begun": 1,
            "seconds": 2.0,
        }.items() <= report.items()
        rows = report["pictures"]
    else:
        rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [x["picture"] for x in rows] == [f"{x}.jpg" for x in "abcde"]
    assert [x["status"] for x in rows] == ["skipped", "done", "failed", "failed", "not begun"]
    assert [x["sha256"] for x in rows[:2]] == [hashlib.sha256(x).hexdigest() for x in (b"a", b"b")]
    assert (rows[0]["error"], str(rows[1]["seconds"]), rows[2]["error"]) == (
        "finished",
        "1.235",
        "c.jpg is not a picture",
    )
    assert rows[1]["output"] == "b.png"


@pytest.mark.skipif(os.name != "posix", reason="makes odd names")
@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_any_name_can_be_told(tmp_path: Path, suffix: str) -> None:
    odd = os.fsdecode(b"\xff,\"\n'")
    file = tmp_path / f"report{suffix}"
    Tally([job(odd)]).write(file, 0.0)
    if suffix == ".json":
        assert json.loads(file.read_text())["pictures"][0]["picture"] == odd + ".jpg"
    else:
        with file.open(newline="", errors="surrogateescape") as opened:
            assert next(csv.DictReader(opened))["picture"] == odd + ".jpg"


def test_reports_that_cannot_be_written_are_refused_at_once(tmp_path: Path) -> None:
    kept = tmp_path / "recipe.json"
    kept.touch()
    with pytest.raises(UsageError, match="neither"):
        tally.check(tmp_path / "report.txt", Kept())
    with pytest.raises(UsageError, match="is the recipe"):
        tally.check(kept, Kept([("the recipe", kept)]))
    with pytest.raises(ImageError, match="there is no folder"):
        tally.check(tmp_path / "none" / "report.csv", Kept())


def test_a_run_ends_with_a_summary_and_a_report(run, photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    Path("bad.png").write_text("no picture")
    code, _, err = run("dream", ".", "--report", "report.json", *QUICK)
    assert code == 3
    assert "octave" not in err
    assert "1 done, 1 failed, in " in err
    assert "  1 failed: … is not a picture" in err
    first, second = json.loads(Path("report.json").read_text())["pictures"]
    assert (first["status"], second["output"]) == ("failed", "photo.dream.png")
    assert second["sha256"] == hashlib.sha256(Path("photo.dream.png").read_bytes()).hexdigest()
