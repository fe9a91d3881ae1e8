"""What goes wrong, or takes long: stop, reload, broken files, large ones, a studio that dies."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

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
    page.close()
