"""A zoom film of a result, on the page: its progress, its end before time, and the file that one gets."""

from __future__ import annotations

import json
from typing import Any

import pytest

from . import flow
from .conftest import shot

av = pytest.importorskip("av", reason="the extra [video] is not installed")

pytestmark = pytest.mark.slow

FILM = {"seconds": 2, "fps": 5, "size": 96}
"""What the page's film is made to be here: it would have 200 frames."""


def order(page: Any, **film: Any) -> None:
    """Press “Zoom film”; the film is `FILM`, or what is said otherwise."""

    def smaller(route: Any) -> None:
        asked = json.loads(route.request.post_data)
        route.continue_(post_data=json.dumps(FILM | film | asked))

    page.route("**/film", smaller, times=1)
    page.get_by_role("button", name="Zoom film").click()


def dreamed(page: Any) -> None:
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    flow.generate(page)
    flow.finished(page)


def test_a_film_is_made_and_downloaded(opened: Any) -> None:
    page = opened(accept_downloads=True)
    dreamed(page)
    order(page)
    page.get_by_role("button", name="Stop the film").wait_for()
    shot(page, "film")
    page.get_by_role("link", name="Download the film").wait_for()
    assert "The film is ready." in page.locator("#status").inner_text()
    with page.expect_download() as coming:
        page.locator("#film").click()
    assert coming.value.suggested_filename == "작은 fig.zoom.mp4"
    with av.open(str(coming.value.path())) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
    assert len(frames) == FILM["seconds"] * FILM["fps"]
    assert frames[0].shape[1] == FILM["size"]
    assert abs(frames[0].astype(int) - frames[-1]).mean() > 2


def test_a_film_that_is_stopped_can_be_asked_for_again(page: Any) -> None:
    dreamed(page)
    order(page, seconds=60, fps=60)
    page.get_by_role("button", name="Stop the film").click()
    order(page)
    page.get_by_role("link", name="Download the film").wait_for()
    page.reload()
    page.get_by_role("link", name="Download the film").wait_for()
