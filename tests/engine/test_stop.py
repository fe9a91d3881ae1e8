"""A wish to stop: heard inside a step, by whatever computes there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import engine
from engine.ascent import controls, tiles
from engine.ascent.ascent import ascend, climb
from engine.ascent.order import order_for
from engine.ascent.work import Work
from engine.batch import events
from engine.batch.crew import Crew
from engine.batch.shares import Shares
from engine.errors import Cancelled, ModelError, UsageError
from engine.network import ort
from engine.network.fragment import Fragment
from engine.network.model import load_model
from engine.pictures.rows import bands
from engine.pipe import serve
from engine.settings.config import DreamConfig
from engine.settings.tiling import Tiling
from engine.stop import Stop
from tests.engine.ascent.test_guide_places import without_stem
from tests.engine.conftest import TINY, noise
from tests.engine.pipe.frames import RGB

CONFIG = DreamConfig(layers={"mixed0": 1.0, "mixed1": 1.0}, iterations=3, octaves=1)
LARGE = np.asarray(noise(160, 200))
"""Twelve tiles of the stem: a step runs 25 parts of the model."""


@pytest.fixture
def parts_run(monkeypatch) -> list[str]:
    """The runs of parts of models, in order: `forward`, `backward` of tiles, and of the `trunk`."""
    ran: list[str] = []
    run, run_into = Fragment.run, Fragment.run_into

    def noted(self: Fragment, outputs, *rest):
        stop = rest[-1]
        stop.check()  # as `run` would: only what really begins is noted
        ran.append("backward" if tuple(outputs) == ("gradient",) else "trunk")
        return run(self, outputs, *rest)

    def noted_into(self: Fragment, *rest):
        rest[-1].check()
        ran.append("forward")
        run_into(self, *rest)

    monkeypatch.setattr(Fragment, "run", noted)
    monkeypatch.setattr(Fragment, "run_into", noted_into)
    return ran


def when(monkeypatch, ran: list[str], count: int, act: Callable[[], object]) -> None:
    """Act in the midst of the run of a part that is the `count`-th."""
    running = ort.running

    def watched(*arguments):
        if len(ran) == count:
            ran.append("acted")
            act()
        return running(*arguments)

    monkeypatch.setattr(ort, "running", watched)


def test_a_stop_ends_what_hears_it_now_and_later() -> None:
    stop, ended = Stop(), []
    with stop.heard_by(lambda: ended.append("before")):
        stop.check()
    with stop.heard_by(lambda: ended.append("inside")):
        stop.set()
    with stop.heard_by(lambda: ended.append("after")):
        pass
    assert ended == ["inside", "after"]
    with pytest.raises(Cancelled):
        stop.check()
    assert stop.wait(60)  # as any Event


def test_stops_from_many_threads_end_each_run_once_begun() -> None:
    stop, began, ended = Stop(), threading.Barrier(9, timeout=60), threading.Barrier(9, timeout=60)

    def compute() -> None:
        over = threading.Event()
        with stop.heard_by(over.set):
            began.wait()
            assert over.wait(60)
        ended.wait()

    for _ in range(8):
        threading.Thread(target=compute, daemon=True).start()
    began.wait()
    stop.set()
    ended.wait()


def run_and(act: Callable[[object], object], model, image: np.ndarray, stop: Stop) -> None:
    """Run a whole model, and act when its run has begun, as far as anybody can know."""
    feeds = {"image": image, "channel_weights": model.channel_weights(CONFIG.layers)}
    with ort.running("cpu", 0, stop) as options:
        act(options)
        model._session._opened.get().run(None, feeds, options)


def test_a_run_ends_between_its_operations_and_the_session_computes_on(tiny) -> None:
    image, stop = np.zeros((1, 64, 64, 3), np.float32), Stop()
    weights = tiny.channel_weights(CONFIG.layers)
    expected = tiny(image, weights)
    with pytest.raises(Cancelled):
        run_and(lambda _: stop.set(), tiny, image, stop)
    for mine, other in zip(tiny(image, weights), expected, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_run_that_ends_without_a_wish_has_failed(tiny) -> None:
    def end(options) -> None:
        options.terminate = True

    with pytest.raises(ModelError):
        run_and(end, tiny, np.zeros((1, 64, 64, 3), np.float32), Stop())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("part", ["forward", "trunk", "backward"])
def test_a_stop_is_heard_between_tiles(parts_run, monkeypatch, threads: int, part: str) -> None:
    """In the first run of each kind."""
    model, stop = load_model(TINY, device="cpu", threads=threads), Stop()
    weights = model.channel_weights(CONFIG.layers)
    image = LARGE.astype(np.float32) / 127.5 - 1
    made = tiles.gradient(model, weights, Tiling(), None, 0, None, stop)
    loss, slope = tiles.gradient(model, weights, Tiling(), None, 0)(image)
    at = parts_run.index(part) + 1
    parts_run.clear()
    when(monkeypatch, parts_run, at, stop.set)
    with pytest.raises(Cancelled):
        made(image)
    after = parts_run[parts_run.index("acted") + 1 :]
    assert len(after) < threads  # another thread may have asked just before
    monkeypatch.undo()
    again, same = tiles.gradient(model, weights, Tiling(), None, 0)(image)
    assert again == loss
    np.testing.assert_array_equal(same, slope)


def test_a_stopped_call_leaves_its_memory_to_the_next(tiny, parts_run, monkeypatch) -> None:
    stop = Stop()
    image = LARGE.astype(np.float32) / 127.5 - 1
    made = tiles.gradient(tiny, tiny.channel_weights(CONFIG.layers), Tiling(), None, 0, None, stop)
    when(monkeypatch, parts_run, 3, stop.set)
    with pytest.raises(Cancelled):
        made(image)
    shelf = made._split._parts.get().shelf
    assert shelf.sets == len(shelf._idle) == 1


def test_whole_models_hear_it_too(tmp_path) -> None:
    model, stop = without_stem(tmp_path), Stop()
    weights = model.channel_weights(CONFIG.layers)
    stop.set()
    image = np.zeros((64, 64, 3), np.float32)
    for size in (None, 32):
        with pytest.raises(Cancelled):
            tiles.gradient(model, weights, Tiling(halo=0), size, 0, None, stop)(image)


def test_a_dream_ends_at_once_and_its_last_step_can_be_kept(tiny, parts_run, monkeypatch) -> None:
    stop, steps = Stop(), []
    with pytest.raises(Cancelled):  # noqa: PT012 - it comes from the second step
        for step in engine.steps(LARGE, CONFIG, model=tiny, stop=stop):
            steps.append(step)
            when(monkeypatch, parts_run, len(parts_run) + 3, stop.set)
    assert len(steps) == 1
    assert parts_run[-1] == "acted"
    kept = engine.finish(engine.Picture(LARGE), steps[0], tiny)
    expected = next(engine.steps(LARGE, CONFIG, model=tiny))
    np.testing.assert_array_equal(kept.pixels, engine.finish(engine.Picture(LARGE), expected, tiny).pixels)


def test_a_stop_before_the_first_step_computes_nothing(tiny, parts_run) -> None:
    stop = Stop()
    stop.set()
    with pytest.raises(Cancelled):
        engine.dream(LARGE, model=tiny, layers="mixed0", stop=stop, progress=pytest.fail)
    assert parts_run == []


def test_one_stop_ends_several_dreams_and_none_of_the_others(tiny) -> None:
    stop = Stop()
    mine = [engine.steps(LARGE, CONFIG, model=tiny, stop=stop) for _ in range(2)]
    other = engine.steps(LARGE, CONFIG, model=tiny)
    for steps in (*mine, other):
        next(steps)
    stop.set()
    for steps in mine:
        with pytest.raises(Cancelled):
            next(steps)
    assert len(list(other)) == 2


@pytest.mark.parametrize("wrong", [threading.Event(), True, "now"])
def test_what_is_no_stop_is_refused(tiny, wrong: object) -> None:
    with pytest.raises(UsageError, match="stop cannot be") as caught:
        engine.dream(LARGE, model=tiny, stop=wrong)  # type: ignore[arg-type]
    assert "engine.Stop" in caught.value.hint


class Watched:
    """A picture by rows, which acts when it is asked for some of them for the `at`-th time."""

    def __init__(self, values: np.ndarray, at: int, act: Callable[[], object]) -> None:
        self._values, self._at, self._act, self.asked = values, at, act, 0
        self.shape = values.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        self.asked += 1
        if self.asked == self._at:
            self._act()
        return self._values[rows]


@pytest.mark.parametrize("at", [1, 5, 25])
def test_a_stop_is_heard_between_bands_on_the_way_to_the_next_octave(at: int) -> None:
    stop = Stop()
    picture = Watched(np.zeros((500, 700, 3), np.float32), at, stop.set)
    each = len(list(bands((500, 700))))
    assert each > 20
    config = DreamConfig(octaves=3, iterations=1, layers={"x": 1.0})

    def climber(image):
        return climb(image[:], lambda x: (1.0, np.ones_like(x)), config)

    with pytest.raises(Cancelled):
        list(ascend(picture, climber, config, stop=stop))
    assert picture.asked == at


def test_a_stop_is_heard_between_controls_and_between_the_bands_of_pulls() -> None:
    config = DreamConfig(blur=1.0, smooth=0.5, jitter=4, stay_close=1.0, total_variation=1.0)
    stop = Stop()
    seen = []

    def gradient(image):
        seen.append(image.shape)
        stop.set()
        return 1.0, np.ones_like(image)

    image = np.zeros((64, 64, 3), np.float32)
    with pytest.raises(Cancelled):
        controls.decorated(gradient, config, stop=stop)(image)
    assert seen == [(64, 64, 3)]
    pull = controls.pull_of(config, image, stop=stop)
    assert pull is not None
    with pytest.raises(Cancelled):
        pull(image, slice(0, 8))


@pytest.mark.parametrize("at_once", [0, 2])
def test_an_interrupted_order_keeps_each_last_whole_step(
    tiny, tmp_path, parts_run, monkeypatch, at_once: int
) -> None:
    """Ctrl-C with --keep-partial, in the midst of a second or third step."""
    items = []
    for name in "ab":
        noise(160, 200).save(tmp_path / f"{name}.png")
        items.append(events.Job(tmp_path / f"{name}.png", tmp_path / f"{name}.dream.png"))
    order = order_for(tiny, CONFIG)
    work = Crew(
        tiny, order, events.Streams(None, None), Shares(max(at_once, 1), 1, frozenset(items[: at_once or 0]))
    )
    when(monkeypatch, parts_run, 60 if at_once else 30, work.interrupt)
    with pytest.raises(KeyboardInterrupt):
        list(work.run(items))
    assert len(parts_run) - parts_run.index("acted") - 1 < max(at_once, 1)
    unfinished = list(work.unfinished.values())
    assert 1 <= len(unfinished) <= max(at_once, 1)
    assert all(x.step.fraction < 1 for x in unfinished)
    for progress in unfinished:
        expected = list(Work.settle(progress.dreaming.source.rows((-1, 1)), order, tiny).steps())
        same = expected[progress.step.iteration - 1]
        np.testing.assert_array_equal(progress.step.image, same.image)
    assert not list(tmp_path.glob("*.dream.png"))


class FakeInbox:
    """Frames, and a wish to stop."""

    def __init__(self, *frames: np.ndarray) -> None:
        self._frames, self.wish = frames, Stop()
        self.stopped = False

    def __iter__(self) -> Iterator[np.ndarray]:
        return iter(self._frames)


class FakeOutbox:
    def __init__(self) -> None:
        self.sent: list[np.ndarray] = []

    def send(self, values: np.ndarray, stopped: object) -> None:
        self.sent.append(values)


@pytest.mark.parametrize("keep_partial", [True, False])
def test_the_pipe_stops_inside_a_step(tiny, parts_run, monkeypatch, keep_partial: bool) -> None:
    inbox, outbox, seen = FakeInbox(LARGE, RGB), FakeOutbox(), []
    serving = serve.serve(inbox, outbox, tiny, order_for(tiny, CONFIG), keep_partial=keep_partial)
    with pytest.raises(Cancelled, match="picture so far" if keep_partial else "not answered"):  # noqa: PT012
        for event in serving:
            seen.append(event)
            when(monkeypatch, parts_run, len(parts_run) + 2, inbox.wish.set)
    assert len(seen) == 1
    assert parts_run[-1] == "acted"
    expected = serve.finish(LARGE, seen[0].step, tiny)
    assert [x.tobytes() for x in outbox.sent] == ([expected.tobytes()] if keep_partial else [])


@pytest.mark.slow
def test_galleries_and_films_stop(tiny, tmp_path) -> None:
    photo, stop = noise(96, 96), Stop()
    with pytest.raises(Cancelled):
        engine.gallery(photo, model=tiny, side=64, stop=stop, progress=lambda _: stop.set())
    seen, again = [], Stop()

    def see(frame: engine.Frame) -> None:
        seen.append(frame.number)
        if frame.number == 3:
            again.set()

    target = tmp_path / "zoom.gif"
    zoom = {"seconds": 1, "fps": 5, "size": 64, "model": tiny, "layers": "mixed0"}
    with pytest.raises(Cancelled):
        engine.zoom(photo, target, stop=again, progress=see, **zoom)
    assert seen == [1, 2, 3]
    assert not target.exists()
    assert engine.zoom(photo, target, progress=lambda x: seen.append(x.number), **zoom).frames == 5
    assert seen == [1, 2, 3, 4, 5]  # what was there is not done again
