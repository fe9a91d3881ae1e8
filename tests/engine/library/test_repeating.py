"""A recipe makes the same picture again: the same bytes on the same picture, the same look on another."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

import engine
from engine import machine
from engine.ascent.order import order_for
from engine.batch import events
from engine.batch import jobs as batch
from engine.errors import UsageError
from engine.files import images
from engine.settings.untrusted import LARGEST
from tests.engine.conftest import TINY, noise
from tests.engine.library.conftest import LOOK
from tests.engine.settings.test_recipe import FULL

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., tuple[int, str, str]]

LIGHT = {"layers": "mixed0,mixed1", "iterations": 2, "octaves": 2}


WAYS = {
    "plain": ["photo.png"],
    "jitter": ["photo.png", "--jitter", 4, "--seed", 5],
    "tiles": ["large.png", "--tile", 128, "--halo", 0, "--octaves", 1],
    "mask": ["photo.png", "--mask", "mask.png", "--feather", 2],
    "guide": ["photo.png", "--guide", "guide.png"],
    "all": [
        *("large.png", "--tile", 128, "--octaves", 1, "--jitter", 3),
        *("--mask", "large-mask.png", "--guide", "guide.png"),
        *("--smooth", 0.5, "--total-variation", 0.1, "--clip", "--blend", 0.7, "--stay-close", 0.1),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "threads"), [*((way, 1) for way in WAYS), ("plain", 2), ("guide", 2), ("all", 2)]
)
def test_on_the_same_picture_it_gives_the_same_bytes(
    run: Run, folder: Path, way: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = WAYS[way]
    monkeypatch.setattr(machine, "cpu_count", lambda: 2)  # this worker may have one of them
    assert run("dream", *LOOK, *words, "--threads", threads, "-o", "old.png")[0] == 0
    code, _, err = run("dream", "--recipe", "old.png", words[0], "--model", TINY, "-o", "new.png")
    assert (code, "not quite" in err) == (0, False)
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()
    assert (folder / "old.png").read_bytes() != (folder / str(words[0])).read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("way", ["jitter", "tiles"])
def test_the_seed_and_nothing_else_decides_what_is_random(run: Run, folder: Path, way: str) -> None:
    words = ["dream", *LOOK, *WAYS[way], "--threads", 1, "--no-recipe"]
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run(*words, "--seed", seed, "-o", name)[0] == 0
    a, b, c = ((folder / f"{x}.png").read_bytes() for x in "abc")
    assert a == b
    assert a != c


def test_without_anything_random_the_seed_decides_nothing(run: Run, folder: Path) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        still = ["--preset", "keras", "--threads", 1, "--no-recipe", "--seed", seed]
        run("dream", "photo.png", *LOOK, *still, "-o", name)
    assert (folder / "a.png").read_bytes() == (folder / "b.png").read_bytes()


@pytest.mark.slow
def test_on_another_picture_it_gives_the_same_look(run: Run, folder: Path) -> None:
    """The look is the recipe's; how it is computed is this run's affair."""
    run("dream", "photo.png", *LOOK, "--threads", 1, "--tile", 128, "-o", "old.png")
    code, _, err = run(
        "dream", "--recipe", "old.png", "other.png", "--model", TINY, "--threads", 2, "-o", "new"
    )
    assert (code, "warning" in err) == (0, False)
    expected = run("dream", "other.png", *LOOK, "--threads", 2, "-o", "expected")
    assert expected[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "expected.png").read_bytes()


def test_options_win_over_the_recipe(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "--mask", "mask.png", "--threads", 1, "-o", "old.png")
    words = ["photo.png", "--model", TINY, "--iterations", 3, "--mask", "none", "--threads", 2, "-o", "new"]
    assert run("dream", "--recipe", "old.png", *words)[0] == 0
    new, old = engine.read_recipe(folder / "new.png"), engine.read_recipe(folder / "old.png")
    assert (new.config.iterations, new.config.layers) == (3, old.config.layers)
    assert (new.mask, new.threads) == (None, 2)
    assert old.mask is not None


def test_a_recipe_in_a_file_of_its_own(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "-o", "old.png")
    code, out, _ = run("recipe", "old.png", "--json")
    assert code == 0
    (folder / "look.json").write_text(out)
    assert run("dream", "--recipe", "look.json", "photo.png", "--model", TINY, "-o", "new")[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".avif", ".png"])
def test_every_format_that_can_hold_a_recipe_repeats_to_the_byte(run: Run, folder: Path, suffix: str) -> None:
    words = ["--quality", 80, "--depth", 8, "--strip-metadata", "--dither", "--seed", 3, "--threads", 1]
    assert run("dream", "photo.png", *LOOK, *words, "-o", f"old{suffix}")[0] == 0
    assert (
        run("dream", "--recipe", f"old{suffix}", "photo.png", "--model", TINY, "-o", f"new{suffix}")[0] == 0
    )
    assert (folder / f"new{suffix}").read_bytes() == (folder / f"old{suffix}").read_bytes()
    assert (
        run(
            "dream",
            "--recipe",
            f"old{suffix}",
            "photo.png",
            *words[-2:],
            "--model",
            TINY,
            "--no-dither",
            "-o",
            f"plain{suffix}",
        )[0]
        == 0
    )
    made = [engine.read_recipe(f"{x}{suffix}").output for x in ("new", "plain")]
    assert made == [engine.Output(80, "8", dither=x, seed=3, strip_metadata=True) for x in (True, False)]


def test_sixteen_bits_and_alpha_repeat_to_the_byte(run: Run, folder: Path) -> None:
    noise(30, 40, "RGBA").save("clear.png")
    words = ["--depth", 16, "--mask", "alpha", "--threads", 1]
    assert run("dream", "clear.png", *LOOK, *words, "-o", "old.png")[0] == 0
    assert run("dream", "--recipe", "old.png", "clear.png", "--model", TINY, "-o", "new.png")[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()


def test_a_format_that_can_hold_none_is_told(run: Run, folder: Path) -> None:
    code, _, err = run("dream", "photo.png", *LOOK, "-o", "old.bmp")
    assert (code, "BMP cannot hold the recipe" in err) == (0, True)
    assert "recipe" not in run("dream", "photo.png", *LOOK, "-o", "bare.bmp", "--no-recipe")[2]


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp", ".png"])
def test_a_dream_of_a_dream_has_only_its_own_recipe(run: Run, folder: Path, suffix: str) -> None:
    run("dream", "photo.png", *LOOK, "-o", f"first{suffix}")
    run("dream", f"first{suffix}", *LOOK, "--iterations", 1, "-o", f"second{suffix}")
    run("dream", f"first{suffix}", *LOOK, "--no-recipe", "-o", f"bare{suffix}")
    assert engine.read_recipe(f"second{suffix}").config.iterations == 1
    assert images.recipe_of(folder / f"bare{suffix}") == ""
    assert (folder / f"second{suffix}").read_bytes().count(b"schema") == 1
    assert b"schema" not in (folder / f"bare{suffix}").read_bytes()


def test_no_recipe_leaves_it_out(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "--no-recipe", "-o", "bare.png")
    assert images.recipe_of(folder / "bare.png") == ""
    for words in (["recipe", "bare.png"], ["dream", "--recipe", "bare.png", "photo.png", "-o", "new"]):
        code, _, err = run(*words)
        assert (code, "there is no recipe in bare.png" in err, "--no-recipe" in err) == (2, True, True)
    assert not (folder / "new.png").exists()


def test_what_a_recipe_tells(run: Run, folder: Path) -> None:
    """Sums that another program would give, and no folder and no user's name."""
    words = ["--guide", folder / "guide.png", "--mask", "alpha", "--threads", 1]
    run("dream", folder / "photo.png", *LOOK, *words, "-o", folder / "old.png")
    table = json.loads(images.recipe_of(folder / "old.png"))
    for key, file in (("guide", folder / "guide.png"), ("model", TINY)):
        assert table[key] == {"name": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    assert table["picture"] == hashlib.sha256((folder / "photo.png").read_bytes()).hexdigest()
    assert (table["mask"], table["threads"], table["device"]) == ("alpha", 1, "cpu")
    assert table["versions"]["deepdream"] == engine.__version__
    assert table["versions"]["numpy"] == np.__version__
    assert "/" not in json.dumps(table)


@pytest.mark.slow
def test_what_little_memory_did_to_a_picture_is_done_again(run: Run, folder: Path, monkeypatch) -> None:
    """The tiles' size is that of the first time, however much memory is free the second time."""
    from engine.ascent import tiles

    real = tiles.tile_size

    def short(model, tiling, *others):
        return 137 if tiling.size == "auto" else real(model, tiling, *others)

    with monkeypatch.context() as patch:
        patch.setattr(tiles, "tile_size", short)
        run("dream", "large.png", *LOOK, "-o", "old.png")
    assert engine.read_recipe("old.png").tiling.size == 137
    assert run("dream", "--recipe", "old.png", "large.png", "--model", TINY, "-o", "new")[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()


@pytest.mark.slow
def test_a_guide_beside_the_recipe_or_beside_the_picture_is_found(run: Run, folder: Path) -> None:
    for name in ("one", "two", "three"):
        (folder / name).mkdir()
    run("dream", "photo.png", *LOOK, "--guide", "guide.png", "-o", "one/old.png")
    shutil.copy("photo.png", "two")
    words = ["dream", "--recipe", "one/old.png", "two/photo.png", "--model", TINY, "-o", "three/new.png"]
    code, _, err = run(*words)  # guide.png is in the folder that we are in, which nobody named
    assert (code, "--guide FILE names it" in err) == (2, True)
    for place in ("one", "two"):
        shutil.copy("guide.png", place)
        assert run(*words, "--overwrite")[0] == 0
        (folder / place / "guide.png").unlink()
    assert run(*words, "--overwrite", "--guide", "guide.png")[0] == 0
    assert run(*words, "--overwrite", "--guide", "none")[0] == 0


def test_another_file_of_the_guides_name_is_not_taken(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "--guide", "guide.png", "-o", "old.png")
    shutil.copy("other.png", "guide.png")
    code, _, err = run("dream", "--recipe", "old.png", "photo.png", "--model", TINY, "-o", "new")
    assert (code, "is not the guide that the recipe was made with" in err) == (2, True)


@pytest.mark.parametrize("name", ["../guide.png", "/etc/passwd", "folder/guide.png"])
def test_a_hostile_recipe_opens_nothing(run: Run, folder: Path, name: str) -> None:
    (folder / "in").mkdir()
    digest = hashlib.sha256(Path("guide.png").read_bytes()).hexdigest()
    table = json.loads(FULL.to_json()) | {"mask": None, "guide": {"name": name, "sha256": digest}}
    (folder / "in" / "evil.json").write_text(json.dumps(table))
    code, _, err = run("dream", "--recipe", "in/evil.json", "photo.png", "--model", TINY, "-o", "new")
    assert (code, "bare name" in err) == (2, True)


def test_another_version_device_or_model_is_told_in_one_warning(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "-o", "old.png")
    table = json.loads(images.recipe_of(folder / "old.png"))
    table["versions"] |= {"deepdream": "9.9", "onnxruntime": "0.1", "numpy": "1"}
    table["model"] |= {"sha256": "0" * 64, "name": "theirs.onnx"}
    table |= {"device": "cuda:1", "threads": None, "brush": 1}
    (folder / "x.json").write_text(json.dumps(table))
    code, _, err = run("dream", "--recipe", "x.json", "photo.png", "--model", TINY, "-o", "new")
    warnings = [x for x in err.splitlines() if "warning" in x]
    assert (code, len(warnings)) == (0, 2)
    for said in ("deepdream 9.9", "onnxruntime 0.1", "device cuda there, cpu here", "theirs.onnx"):
        assert said in warnings[0]
    assert "numpy" not in warnings[0]
    assert warnings[1].endswith("brush")


def test_more_threads_than_there_are_processors_are_not_started(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "-o", "old.png")
    table = json.loads(images.recipe_of(folder / "old.png")) | {"threads": 100_000}
    (folder / "x.json").write_text(json.dumps(table))
    code, _, err = run("dream", "--recipe", "x.json", "photo.png", "--model", TINY, "-o", "new")
    assert (code, f"threads 100000 there, {machine.cpu_count()} here" in err) == (0, True)


def test_half_precision_gives_way_where_there_is_no_gpu(run: Run, folder: Path) -> None:
    run("dream", "photo.png", *LOOK, "-o", "old.png")
    table = json.loads(images.recipe_of(folder / "old.png"))
    (folder / "x.json").write_text(
        json.dumps(table | {"device": "cuda:0", "threads": None, "precision": "half"})
    )
    code, _, err = run("dream", "--recipe", "x.json", "photo.png", "--model", TINY, "-o", "new")
    assert (code, "precision half there, full here" in err) == (0, True)


def test_a_picture_that_was_stopped_says_so(run: Run, folder: Path, tiny) -> None:
    config = engine.DreamConfig(layers={"mixed0": 1.0}, iterations=3)
    job = events.Job(folder / "photo.png", folder / "partial.png")
    streams = events.Streams(None, None)
    performed = batch.perform(job, tiny, order_for(tiny, config), streams)
    batch.keep(next(x for x in performed if isinstance(x, events.Progress)), streams)
    performed.close()
    assert not engine.read_recipe("partial.png").finished
    _, _, err = run("dream", "--recipe", "partial.png", "photo.png", "--model", TINY, "-o", "new")
    assert "stopped before its end" in err
    assert engine.read_recipe("new.png").finished


def test_a_preset_beside_a_recipe_is_refused(run: Run, folder: Path) -> None:
    code, _, err = run("dream", "--recipe", "photo.png", "--preset", "keras", "photo.png")
    assert (code, "leave one of them out" in err) == (2, True)


def test_several_pictures_each_get_their_recipe(run: Run, folder: Path) -> None:
    run("dream", "photo.png", "other.png", *LOOK, "--threads", 2, "--jobs", 2, "-o", "out/")
    found = [engine.read_recipe(folder / "out" / f"{x}.dream.png") for x in ("photo", "other")]
    assert [x.threads for x in found] == [1, 1]
    assert found[0].picture != found[1].picture
    assert run("dream", "--recipe", "out/photo.dream.png", "photo.png", "--model", TINY, "-o", "new")[0] == 0
    assert (folder / "new.png").read_bytes() == (folder / "out" / "photo.dream.png").read_bytes()


def test_from_python(folder: Path, tiny) -> None:
    dream = engine.dream("photo.png", model=tiny, mask="mask.png", jitter=2, **LIGHT)
    dream.save("old.png")
    recipe = engine.read_recipe("old.png")
    assert recipe == dream.recipe
    again = engine.dream("photo.png", model=tiny, mask="mask.png", tiling=recipe.tiling, **recipe.settings)
    np.testing.assert_array_equal(again.pixels, dream.pixels)
    assert again.recipe == recipe
    rounded = engine.dream("photo.png", model=tiny, depth="16", dither=True, seed=9, **LIGHT)
    rounded.save("deep.png", output=engine.Output(quality=50))
    assert engine.read_recipe("deep.png").output == engine.Output(50, "16", dither=True, seed=9)
    dream.save("bare.png", output=engine.Output(with_recipe=False))
    with pytest.raises(UsageError):
        engine.read_recipe("bare.png")


@pytest.mark.slow
def test_the_command_line_and_python_write_the_same_recipe(run: Run, folder: Path, tiny) -> None:
    run("dream", "photo.png", *LOOK, "--threads", 1, "-o", "old.png")
    given = engine.read_recipe("old.png").settings
    assert engine.dream("photo.png", model=tiny, **given).recipe == engine.read_recipe("old.png")


def test_pictures_that_came_from_no_file(tiny) -> None:
    """Pixels decide, and a mask of them cannot be found again."""
    values = np.asarray(noise(30, 40))
    one = engine.dream(values, model=tiny, mask=np.full((30, 40), 200, np.uint8), **LIGHT).recipe
    other = engine.dream(Image.fromarray(values), model=tiny, **LIGHT).recipe
    assert one.picture == other.picture != engine.dream(255 - values, model=tiny, **LIGHT).recipe.picture
    assert isinstance(one.mask, engine.settings.origin.Origin)
    assert one.mask.name == ""
    from engine.library.repeating import find

    with pytest.raises(UsageError, match="did not come from a file"):
        find(one.mask, "--mask", [])


HOSTILE = {
    "nested": ("[" * 60_000 + "]" * 4_000, "nested too deeply|no JSON"),
    "long": ("1" * 10**6, "too long"),
    "names of characters": (("&" + "x" * 31) * 30_000, "too long"),
    "twice": ('{"settings": {"octaves": 2, "octaves": 3}}', "given twice"),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("form", ["PNG", "WEBP", "JSON"])
def test_a_hostile_text_in_a_picture_reaches_no_parser_as_it_is(
    tmp_path: Path, case: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text, said = HOSTILE[case]
    path = tmp_path / f"x.{form.lower()}"
    if form == "JSON":
        path.write_text(text)
    elif form == "PNG":
        chunks = PngInfo()
        chunks.add_itxt("deepdream", text)
        noise(9, 9).save(path, pnginfo=chunks)
    else:
        xmp = f"<deepdream:recipe>{text}</deepdream:recipe>".encode()
        noise(9, 9).save(path, xmp=xmp)
    unescaped: list[int] = []
    monkeypatch.setattr("html.unescape", lambda x: unescaped.append(len(x)) or x)
    with pytest.raises(UsageError, match=said):
        engine.read_recipe(path)
    assert max(unescaped, default=0) <= 10 * LARGEST


@pytest.mark.slow
def test_the_real_model_repeats_a_photograph_in_another_process(folder: Path) -> None:
    Image.open(Path(__file__).parents[3] / "examples" / "temple.jpg").resize((300, 220)).save("temple.png")
    first = ["temple.png", "--layers", "mixed3=1,mixed4:12=0.5", "--iterations", "3", "--jitter", "8"]
    again = ["--recipe", "old.png", "temple.png"]
    for words in ([*first, "--tile", "128", "-o", "old.png"], [*again, "-o", "new.png"]):
        command = [sys.executable, "-m", "engine", "dream", *words]
        environment = {**os.environ, "PYTHONPATH": str(Path(engine.__file__).parents[1])}
        subprocess.run(command, check=True, env=environment, capture_output=True)
    assert (folder / "new.png").read_bytes() == (folder / "old.png").read_bytes()
