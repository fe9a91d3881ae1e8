"""A second run does what is missing, failed or changed, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.ascent.masks import Mask
from engine.ascent.order import Order, order_for
from engine.batch import again
from engine.batch.again import Wanted, look_again
from engine.batch.events import FINISHED, KEPT, UNKNOWN, Failed, Item, Job, Skipped, Warned
from engine.batch.planning import plan
from engine.errors import UsageError
from engine.files import images
from engine.library.repeating import recipe_of_order
from engine.settings.config import DreamConfig
from engine.settings.origin import Origin, origin_of
from engine.settings.output import Output
from engine.settings.tiling import Tiling
from tests.engine.conftest import QUICK, copies

CONFIG = DreamConfig(layers={"mixed0": 1.0, "mixed1": 0.3}, iterations=2)
OTHER = Origin("other.png", "1" * 64)


@pytest.fixture(autouse=True)
def inside(photo: Path, monkeypatch) -> None:
    monkeypatch.chdir(photo.parent)
    copies(photo, "b.png")


@pytest.fixture
def order(tiny) -> Order:
    return order_for(tiny, CONFIG)


def made(order: Order, tiny, target: str = "out/photo.dream.png", **other: object) -> bytes:
    """Write a result of the photo, with a recipe of the order or one that differs from it."""
    Path(target).parent.mkdir(exist_ok=True)
    recipe = replace(recipe_of_order(order, tiny), picture=origin_of(Path("photo.png")).sha256)
    recipe = replace(recipe, **other)  # type: ignore[arg-type]
    picture = images.load(Path("photo.png"))
    images.save(picture, Path(target), replace(recipe.output, recipe=recipe.to_json()))
    return Path(target).read_bytes()


def looked(order: Order, tiny, output: Output | None = None, **options) -> list[Item]:
    return look_again(plan(["."], "out", **options), Wanted(order, tiny, output or Output()))


def test_what_is_finished_is_skipped_and_what_is_missing_is_done(tiny, order: Order) -> None:
    made(order, tiny)
    missing, finished = looked(order, tiny)
    assert missing == Job(Path("b.png"), Path("out/b.dream.png"))
    assert finished == Skipped(Job(Path("photo.png"), Path("out/photo.dream.png")), FINISHED)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"config": replace(CONFIG, octaves=2)}, "other settings"),
        ({"config": replace(CONFIG, layers={"mixed0": 1.0})}, "other settings"),
        ({"config": replace(CONFIG, seed=1)}, "other settings"),
        ({"model": OTHER}, "another model"),
        ({"guide": OTHER}, "another guide"),
        ({"mask": OTHER}, "another mask"),
        ({"mask": "alpha"}, "another mask"),
        ({"picture": "2" * 64}, "another picture"),
        ({"precision": "half"}, "another precision"),
        ({"output": Output(depth="16")}, "another kind of file"),
        ({"output": Output(strip_metadata=True)}, "another kind of file"),
        ({"finished": False}, "unfinished"),
    ],
)
def test_what_is_changed_is_done_again_and_told(tiny, order: Order, other: dict, why: str) -> None:
    made(order, tiny, **other)
    told, missing, changed = looked(order, tiny)
    assert told == Warned("", f"results are made anew: {why} (1); --keep keeps them as they are")
    assert isinstance(missing, Job)
    assert changed == Job(Path("photo.png"), Path("out/photo.dream.png"))


@pytest.mark.parametrize(
    "other",
    [
        {"device": "cuda:0", "threads": None},
        {"threads": 7},
        {"versions": {"deepdream": "0.0.1"}, "system": "Plan 9"},
        {"tiling": Tiling(size=256)},
        {"output": Output(quality=5)},  # PNG knows none
        {"model": None},
    ],
)
def test_where_it_was_computed_does_not_count(tiny, order: Order, other: dict) -> None:
    if "model" in other:
        other = {"model": Origin("renamed.onnx", tiny.sha256)}
    made(order, tiny, **other)
    assert looked(order, tiny)[-1] == Skipped(Job(Path("photo.png"), Path("out/photo.dream.png")), FINISHED)


def test_quality_counts_where_the_format_has_one(tiny, order: Order) -> None:
    from engine.batch.naming import Naming

    made(order, tiny, "out/photo.dream.jpg")
    naming = Naming.of(None, "jpg")
    assert isinstance(looked(order, tiny, naming=naming)[-1], Skipped)
    told = looked(order, tiny, Output(quality=80), naming=naming)[0]
    assert isinstance(told, Warned)
    assert "another quality" in told.message


def test_the_orders_own_guide_and_mask_are_known(tiny, order: Order) -> None:
    guided = replace(order, guide=np.zeros(1, np.float32), guide_from=OTHER)
    masked = replace(order, mask=Mask(np.zeros((2, 2), np.uint8), OTHER))
    for steered in (guided, masked, replace(order, mask=Mask(None))):
        made(steered, tiny)
        assert isinstance(looked(steered, tiny)[-1], Skipped)
        assert isinstance(looked(order, tiny)[-1], Job)


@pytest.mark.parametrize("content", [b"", b"no picture", None, "newer"])
def test_what_does_not_say_how_it_was_made_is_kept(photo: Path, tiny, order: Order, content) -> None:
    target = Path("out/photo.dream.png")
    target.parent.mkdir()
    if content == "newer":
        made(order, tiny)
        picture = images.load(target)
        images.save(picture, target, Output(recipe='{"schema": 99}'))
    else:
        target.write_bytes(photo.read_bytes() if content is None else content)
    before = target.read_bytes()
    assert looked(order, tiny)[-1] == Skipped(Job(Path("photo.png"), target), UNKNOWN)
    assert target.read_bytes() == before


def test_what_this_run_reads_is_not_replaced(tiny, order: Order) -> None:
    made(order, tiny, "photo.dream.png", finished=False)
    items = look_again(plan(["photo.png", "photo.dream.png"]), Wanted(order, tiny))
    assert isinstance(items[0], Failed)
    assert str(items[0].error) == "photo.dream.png is one of the inputs"
    guide = [("the guide", "photo.dream.png")]
    (failed, _) = look_again(plan(["photo.png", "b.png"]), Wanted(order, tiny), guide)
    assert isinstance(failed, Failed)


def test_no_picture_is_read_unless_the_recipe_agrees(tiny, order: Order, monkeypatch) -> None:
    made(order, tiny, config=replace(CONFIG, octaves=2))
    monkeypatch.setattr(again, "origin_of", lambda _: pytest.fail("was read"))
    assert isinstance(looked(order, tiny)[-1], Job)


def test_keep_skips_even_a_single_picture() -> None:
    Path("photo.dream.png").touch()
    assert plan(["photo.png"], keep=True) == [Skipped(Job(Path("photo.png"), Path("photo.dream.png")), KEPT)]
    with pytest.raises(UsageError, match="already exists"):
        plan(["photo.png"])


def test_again_on_the_command_line(run, photo: Path) -> None:
    once = ("dream", ".", "-o", "out", *QUICK)
    assert run(*once)[0] == 0
    code, out, err = run(*once)
    assert (code, out) == (0, "")
    _, skipped, ended = err.splitlines()
    assert skipped == "skipped: 2 finished already"
    assert ended.startswith("2 skipped, in ")
    Path("out/b.dream.png").unlink()
    code, out, err = run(*once, "--octaves", 2)
    assert (code, len(out.splitlines()), err.count("made anew: other settings (1)")) == (0, 2, 1)
    assert run(*once, "--keep", "--overwrite")[0] == 2
