"""What goes wrong, or takes long: stop, reload, broken files, large ones, a studio that dies."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from tests.tiny_model import TINY

from . import flow
from .conftest import shot, start, stop

pytestmark = pytest.mark.slow


def test_stop_keeps_the_picture_so_far(page: Any) -> None:
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    flow.set_number(page, "Iterations", "10000")
    flow.generate(page)
    flow.grown(page)
    page.locator("#stop").click()
    flow.finished(page)
    assert "stopped" in page.locator("#dreams button").first.get_attribute("title")
    assert page.locator("#after").is_visible()


@pytest.mark.parametrize(("iterations", "status"), [("10000", "stopped"), ("1", "done")])
def test_answer_that_comes_after_the_end(page: Any, address: str, iterations: str, status: str) -> None:
    """A dream may have ended before the page has read what the studio answered to the order, or to Stop."""

    def late(route: Any) -> None:
        answer = route.fetch()
        states: list[str] = []
        while states != [status]:
            states = [x["status"] for x in page.request.get(f"{address}api/dreams").json()]
        page.wait_for_timeout(500)  # the events of it are there, too
        route.fulfill(response=answer)
        answered.append(status)

    answered: list[str] = []
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    flow.set_number(page, "Iterations", iterations)
    page.route("**/api/dreams/*/stop" if status == "stopped" else "**/api/dreams", late)
    flow.generate(page)
    if status == "stopped":
        flow.grown(page)
        page.locator("#stop").click()
    while not answered:
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    flow.finished(page)
    assert not page.locator("#progress").is_visible()


def test_reload_in_the_middle(page: Any) -> None:
    flow.open_small(page)
    flow.pick(page, "layer/mixed0")
    flow.set_number(page, "Iterations", flow.LONG)
    flow.generate(page)
    flow.grown(page)
    page.reload()
    page.locator("#stop").wait_for()
    flow.grown(page)
    assert page.locator("#pictures li").count() == 1
    page.locator("#tab-look").wait_for()
    assert page.locator("input[name=pick]:checked").get_attribute("value") == "layer/mixed0"
    assert page.locator("#chosen").inner_text() == "Fine lines (changed)"
    flow.finished(page)


def test_reload_brings_back_what_was_set(page: Any) -> None:
    """The mask is the same to the last pixel; so is the guide; a window of its own has the pictures, too."""
    flow.open_small(page)
    flow.pick(page, "look/coral")
    page.locator("#tab-where").click()
    page.locator("#guide-file").set_input_files(flow.EXAMPLES / "dogs.jpg")
    page.locator("#forget-guide").wait_for()
    page.locator("#paint").click()
    flow.paint(page, 0.2, 0.8)
    page.locator("#mask-done").click()
    before = page.evaluate(MASK)
    page.reload()
    page.locator("#brush").wait_for()
    assert page.evaluate(MASK) == before
    assert page.locator("#chosen").inner_text() == "Coral"
    page.locator("#tab-where").click()
    assert page.get_by_role("button", name="Go on painting").is_visible()
    assert page.locator("#forget-guide").is_visible()
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("#pictures li").wait_for()  # the guide is none of them
    assert other.locator("#pictures li").count() == 1
    assert "작은 fig.png" in other.locator("#facts").inner_text()


MASK = "document.getElementById('brush').toDataURL()"
"""The mask as it is shown."""


def test_a_dream_that_is_removed_elsewhere_is_gone_here(page: Any) -> None:
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    flow.generate(page)
    flow.finished(page)
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("#dreams button").click()
    other.locator("#remove").click()
    page.locator("#dreams button").wait_for(state="detached")
    assert page.locator("#after").is_hidden()
    assert page.locator("#before").is_visible()


def test_thumbnails_come_beside_a_dream(page: Any) -> None:
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    flow.set_number(page, "Iterations", "10000")
    page.locator("#tab-look").click()
    flow.generate(page)
    flow.grown(page)
    flow.paste(page, "another.png", flow.small()["buffer"])
    page.get_by_text("come slowly while a dream is at work").wait_for()
    page.locator(".tile img.here").first.wait_for()
    page.locator("#dreams button").click()
    page.locator("#stop").click()
    flow.finished(page)


def test_broken_file_is_told_and_the_others_go_on(page: Any, watch: Any) -> None:
    watch.expected.add("status of 422")
    broken = {"name": "broken.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.locator("#file").set_input_files([broken, flow.small()])
    page.get_by_role("alert").filter(has_text="broken.png").wait_for()
    shot(page, "broken-file")
    page.locator("#before[src]").wait_for()
    assert page.locator("#facts").inner_text().startswith("작은 fig.png · 180 × 128")
    page.get_by_role("button", name="Close").click()
    assert page.get_by_role("alert").filter(has_text="broken.png").count() == 0


def test_24_megapixels(page: Any, tmp_path: Any) -> None:
    large = tmp_path / "24 megapixels.jpg"
    row = np.arange(6000, dtype=np.uint16)
    pixels = np.stack([row[np.newaxis] + row[:4000, np.newaxis] * k for k in (1, 2, 3)], 2).astype(np.uint8)
    Image.fromarray(pixels).save(large, quality=60)
    page.locator("#file").set_input_files(large)
    page.locator("#before[src]").wait_for()
    assert "6,000 × 4,000" in page.locator("#facts").inner_text()
    flow.pick(page, "layer/mixed1")
    flow.generate(page)
    flow.grown(page, 1)
    page.locator("#stop").click()
    page.locator("#progress").wait_for(state="hidden")


def test_pasted_picture_with_a_korean_name(page: Any) -> None:
    content = io.BytesIO()
    Image.new("RGB", (200, 150), "teal").save(content, "PNG")
    flow.paste(page, "붙여 넣은 그림.png", content.getvalue())
    page.locator("#before[src]").wait_for()
    assert page.locator("#facts").inner_text().startswith("붙여 넣은 그림.png")


def test_wrong_layers_are_told_while_they_are_typed(page: Any) -> None:
    flow.open_small(page)
    page.locator("#tab-details").click()
    page.locator("#layers-text").fill("mixed9=1")
    assert "There is no layer mixed9" in page.locator("#layers-wrong").inner_text()
    page.locator("#layers-text").fill("mixed1:2+900")
    assert "Its channels are 0 to 5." in page.locator("#layers-wrong").inner_text()
    page.locator("#layers-text").fill("mixed1:2+3=0.5")
    assert page.locator("#layers-wrong").is_hidden()


def test_studio_that_is_killed_and_started_again(chromium: Any, tmp_path: Any) -> None:
    """The page says that it is gone, and goes on when it is back; what was at work has failed."""
    shelf = ("--model", str(TINY), "--keep", str(tmp_path / "shelf"))
    studio, address = start(*shelf)
    page = chromium.new_page()
    page.set_default_timeout(flow.PATIENCE)
    try:
        page.goto(address)
        page.locator("#sample:enabled").wait_for()
        flow.open_small(page)
        flow.pick(page, "layer/mixed1")
        flow.set_number(page, "Iterations", "10000")
        flow.generate(page)
        flow.grown(page)
        studio.kill()
        page.get_by_role("alert").filter(has_text="The studio does not answer.").wait_for()
        stop(studio)
        studio, _ = start(*shelf, "--port", str(urlsplit(address).port))
        page.get_by_role("alert").filter(has_text="The studio ended in the middle of it.").wait_for()
        page.get_by_role("alert").filter(has_text="does not answer").wait_for(state="detached")
    finally:
        page.close()
        stop(studio)


def test_studio_that_dies_is_told(chromium: Any) -> None:
    studio, address = start()
    try:
        page = chromium.new_page()
        page.goto(address)
        page.locator("#sample").wait_for()
    finally:
        stop(studio)
    page.locator("#sample").click()
    page.get_by_role("alert").filter(has_text="The studio does not answer.").wait_for()
    page.locator("#sample").click()  # the same again is no second note
    page.wait_for_timeout(300)
    assert page.get_by_role("alert").count() == 1
    page.close()
