"""How a dream grew, as pictures and as a film."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.ascent.order import order_for
from engine.batch import growth
from engine.batch import jobs as batch
from engine.files import images
from engine.library.dreaming import Dreaming
from engine.settings.config import DreamConfig
from tests.engine.conftest import QUICK, copies, noise
from tests.engine.films.conftest import photograph, played

GROWING = [*QUICK, "--preset", "keras"]
"""Three octaves, whatever the picture's size."""


def names(folder: Path) -> list[str]:
    return sorted(x.name for x in folder.iterdir())


def opened(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_each_step_is_a_picture_and_the_last_is_the_dream(run, photo: Path) -> None:
    folder = photo.with_name("steps")
    code, out, _ = run("dream", photo, "--save-steps", folder, *GROWING)
    dream = photo.with_name("photo.dream.png")
    assert (code, out) == (0, f"{dream}\n")
    assert names(folder) == [f"photo-{i:04}.png" for i in range(1, 7)]
    seen = [opened(folder / x).astype(int) for x in names(folder)]
    np.testing.assert_array_equal(seen[-1], opened(dream))
    source = opened(photo)
    changes = [np.abs(x - source).mean() for x in seen]
    assert 0 < changes[0] < changes[-1]
    assert all(np.any(a != b) for a, b in pairwise(seen))


def test_every_fourth_step_and_the_last(run, photo: Path) -> None:
    folder = photo.with_name("steps")
    assert run("dream", photo, "--save-steps", folder, "--steps-every", 4, *GROWING)[0] == 0
    assert names(folder) == ["photo-0004.png", "photo-0006.png"]


def test_a_film_grows_from_the_picture_to_the_dream_and_waits(run, photo: Path) -> None:
    film = photo.with_name("grow.webp")
    Image.fromarray(photograph(48, 64)).save(photo)
    code, out, _ = run("dream", photo, "--animate", film, *GROWING)
    assert (code, out.splitlines()) == (0, [str(photo.with_name("photo.dream.png")), str(film)])
    with Image.open(film) as image:
        assert image.n_frames == 7
        frames, durations = [], []
        for i in range(7):
            image.seek(i)
            frames.append(np.asarray(image.convert("RGB")).astype(int))
            durations.append(image.info["duration"])
    assert durations[-1] == pytest.approx(2067, abs=1)
    assert np.abs(frames[0] - opened(photo)).mean() < 8
    dream = opened(photo.with_name("photo.dream.png"))
    assert np.abs(frames[-1] - dream).mean() < 8


def test_of_several_pictures_each_has_its_own(run, photo: Path) -> None:
    pytest.importorskip("av")
    second = copies(photo, "second.png")[0]
    deeper = photo.with_name("deeper")
    deeper.mkdir()
    third = deeper / "photo.jpg"
    noise(30, 40).save(third)
    folder = photo.with_name("steps")
    words = ["--save-steps", folder, "--steps-every", 100, "--animate", photo.with_name("g.mp4")]
    code, out, _ = run("dream", photo, second, third, *words, *GROWING, "--threads", 2, "--jobs", 2)
    assert code == 0
    assert len(out.splitlines()) == 6
    assert names(folder) == ["photo-0006.png", "photo-2-0006.png", "second-0006.png"]
    for name in ("photo.g.mp4", "photo-2.g.mp4", "second.g.mp4"):
        assert len(played(photo.with_name(name))) == 7 + 30


def test_nothing_is_replaced_unless_asked(run, photo: Path) -> None:
    film = photo.with_name("grow.gif")
    film.write_text("mine")
    code, _, err = run("dream", photo, "--animate", film, *GROWING)
    assert code == 2
    assert "--overwrite" in err
    assert film.read_text() == "mine"
    assert run("dream", photo, "--animate", film, "--overwrite", *GROWING)[0] == 0
    assert film.read_bytes()[:3] == b"GIF"


def test_what_shows_how_a_picture_grew_is_made_anew_with_it(run, photo: Path) -> None:
    copies(photo, "b.png")
    films = photo.with_name("films")
    films.mkdir()
    words = ["dream", photo.parent, "--animate", films / "g.gif", "--save-steps", films]
    assert run(*words, *GROWING)[0] == 0
    grown = [films / f"{x}.g.gif" for x in ("b", "photo")]
    before = [x.read_bytes() for x in grown]
    code, out, err = run(*words, *GROWING, "--octaves", 2)
    assert (code, len(out.splitlines()), "made anew" in err) == (0, 4, True)
    assert all(x.read_bytes() != y for x, y in zip(grown, before, strict=True))


def test_steps_that_a_killed_run_left_do_not_stop_the_next(run, photo: Path) -> None:
    words = ["dream", photo, "--save-steps", photo.with_name("s"), *GROWING]
    assert run(*words)[0] == 0
    photo.with_name("photo.dream.png").unlink()
    assert run(*words)[0] == 0
    photo.with_name("photo.dream.png").unlink()
    code, _, err = run(*words, "--octaves", 2)
    assert (code, "already exists" in err) == (2, True)


def test_the_files_of_a_picture_are_called_the_same_whatever_is_finished(run, photo: Path) -> None:
    copies(photo, "b.png")
    words = ["dream", photo.parent, "--save-steps", photo.with_name("s"), "--steps-every", 100]
    words += ["--animate", photo.with_name("g.gif"), *GROWING]
    assert run("dream", photo, *GROWING)[0] == 0
    assert run(*words)[0] == 0
    assert photo.with_name("b.g.gif").exists()
    assert not photo.with_name("g.gif").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--animate", "film.xyz"], 3, "not name a film format"),
        (["--steps-every", "0", "--save-steps", "s"], 2, "from 1 to 10000"),
        (["--save-steps", "/proc/none"], 3, "cannot be created"),
    ],
)
def test_mistakes_are_one_clear_line(run, photo: Path, words, code, said) -> None:
    got, out, err = run("dream", photo, *words, *GROWING)
    assert (got, out) == (code, "")
    assert said in err


def test_transparency_is_in_the_pictures(run, photo: Path) -> None:
    noise(30, 40, "RGBA").save(photo)
    folder = photo.with_name("steps")
    run("dream", photo, "--save-steps", folder, "--animate", photo.with_name("a.gif"), *GROWING)
    assert opened(folder / "photo-0001.png").shape == (30, 40, 4)


def test_however_many_steps_the_film_is_short_and_in_order(photo: Path, tiny, monkeypatch) -> None:
    monkeypatch.setattr(growth, "MOST", 8)
    config = DreamConfig(layers={"mixed0": 1.0}, iterations=29, octaves=1)
    job = batch.Job(photo, photo.with_name("d.png"))
    shows = growth.Shows(growth.Showing(film=photo.with_name("g.gif")))
    dreaming = Dreaming.begin(images.read(photo), order_for(tiny, config), tiny)
    for step in dreaming.steps():
        assert shows.see(batch.Progress(job, step, dreaming)) == []
    assert len(shows._growing[job]._frames) <= 8
    assert shows.see(batch.Done(job, 1.0)) == [photo.with_name("g.gif")]
    with Image.open(photo.with_name("g.gif")) as image:
        assert 5 <= image.n_frames <= 9
