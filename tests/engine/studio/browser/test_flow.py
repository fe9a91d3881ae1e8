"""The whole way from a picture to a dream that one keeps, as people go it: by mouse, by keys, by touch."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.files import images
from engine.settings.recipe import Recipe

from . import flow
from .conftest import shot

pytestmark = pytest.mark.slow


def values(page: Any) -> dict[str, Any]:
    """Return what is set, as a reload would bring it back."""
    found: dict[str, Any] = page.evaluate("JSON.parse(sessionStorage.getItem('deepdream')).values")
    return found


def test_by_mouse(opened: Any, tmp_path: Path) -> None:
    page = opened(accept_downloads=True, permissions=["clipboard-read", "clipboard-write"])
    shot(page, "welcome-dark")
    choose(page)
    flow.generate(page)
    flow.finished(page)
    compare(page)
    result = download(page, tmp_path)
    page.get_by_role("button", name="Copy command line").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("deepdream dream ")
    reuse(page, result)
    again(page)


def again(page: Any) -> None:
    """Dream on what was dreamed: the result is the next picture, and what is set stays."""
    page.locator("#dreams button").first.click()
    flow.pick(page, "look/coral")
    page.get_by_role("button", name="Dream on the result").click()
    flow.until(page, "document.getElementById('facts').textContent.startsWith('작은 fig.dream.png')")
    assert page.locator("input[name=pick]:checked").get_attribute("value") == "look/coral"
    assert page.locator("#after").is_hidden()


def choose(page: Any) -> None:
    """Choose by looking, and change what was chosen."""
    flow.sample(page)
    page.locator("#pictures li").wait_for()
    flow.open_small(page)
    page.locator('.tile:has(input[value="look/dream"]) img.here').wait_for()
    assert page.locator(".tile input[value^='layer/']").count() == 2
    page.get_by_role("button", name="Show all layers").click()
    page.locator('.tile:has(input[value="layer/mixed1"]) img.here').wait_for()
    flow.pick(page, "layer/mixed1")
    assert page.locator("#chosen").inner_text() == "Curls"
    page.get_by_role("slider", name="Size of the forms").fill("80")
    assert values(page)["min_size"] == 56
    page.get_by_role("button", name="Show channels of mixed1").click()
    page.locator("#channel-tiles .tile img.here").first.wait_for()
    assert page.locator("#channel-tiles input").count() == 6  # as many as the tiny model has
    page.get_by_role("slider", name="Amount (%)").fill("90")
    assert values(page)["blend"] == 0.9
    page.get_by_role("button", name="Surprise me").click()
    assert values(page)["seed"] > 0
    page.get_by_role("button", name="Back").click()
    assert (values(page)["blend"], values(page)["layers"]) == (0.9, {"mixed1": 1})
    page.get_by_role("spinbutton", name="Strength").fill("40")
    page.get_by_role("spinbutton", name="Strength").press("Tab")


def compare(page: Any) -> None:
    """Drag the line between before and after to the middle."""
    box = page.locator("#view").bounding_box()
    page.mouse.move(box["x"], box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert 45 < float(page.locator("#split").input_value()) < 55


def download(page: Any, folder: Path) -> Path:
    """Get the result in two formats, at full size and with its recipe; return the PNG."""
    with page.expect_download() as coming:
        page.locator("#download").click()
    result = folder / coming.value.suggested_filename
    coming.value.save_as(result)
    recipe = Recipe.from_json(images.recipe_of(result) or "")
    assert (dict(recipe.config.layers), recipe.config.step_size) == ({"mixed1": 1.0}, 0.04)
    page.locator("#format").select_option("jpg")
    with page.expect_download() as coming:
        page.locator("#download").click()
    with Image.open(result) as one, Image.open(coming.value.path()) as other:
        assert (one.format, other.format) == ("PNG", "JPEG")
        assert one.size == other.size == (180, 128)
    return result


def reuse(page: Any, result: Path) -> None:
    """Get settings back: from the shelf, and from an old result that is dropped."""
    flow.pick(page, "look/coral")
    assert values(page)["step_size"] != 0.04
    page.locator("#reuse").click()
    assert values(page)["step_size"] == 0.04
    flow.pick(page, "look/coral")
    flow.drop(page, "an old result.png", result.read_bytes())
    page.get_by_text("its settings are back").wait_for()
    assert (values(page)["step_size"], values(page)["layers"]) == (0.04, {"mixed1": 1})


def test_by_keys(page: Any) -> None:
    press = page.keyboard.press
    flow.tab_to(page, "welcome-choose")
    with page.expect_file_chooser() as coming:
        press("Enter")
    coming.value.set_files(flow.small())
    page.locator("#before[src]").wait_for()
    flow.tab_to(page, "tab-look")
    press("ArrowRight")
    assert page.locator("#tab-where").get_attribute("aria-selected") == "true"
    flow.tab_to(page, "paint")
    press("Enter")
    assert page.evaluate("document.activeElement.id") == "brush"
    press("Space")
    for _ in range(3):
        page.keyboard.down("Space")
        press("ArrowRight")
    page.keyboard.up("Space")
    press("Escape")
    assert page.locator("#forget-mask").is_visible()
    page.locator("#tab-where").focus()
    press("ArrowLeft")
    page.locator('input[value="look/dream"]').focus()
    press("ArrowRight")
    assert page.locator("input[name=pick]:checked").get_attribute("value") == "look/creatures"
    page.locator('input[value="layer/mixed1"]').focus()
    press("Space")
    flow.tab_to(page, "generate")
    press("Enter")
    flow.finished(page)
    page.locator("#split").focus()
    before = float(page.locator("#split").input_value())
    press("ArrowRight")
    assert float(page.locator("#split").input_value()) > before
    assert "%" in page.locator("#split").get_attribute("aria-valuetext")
    flow.tab_to(page, "download")


def test_by_touch_on_a_phone(opened: Any) -> None:
    page = opened(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, color_scheme="light"
    )
    shot(page, "phone-welcome")
    with page.expect_file_chooser() as coming:
        page.locator("#welcome-choose").tap()
    coming.value.set_files(flow.small())
    page.locator("#before[src]").wait_for()
    page.locator('.tile:has(input[value="look/dream"]) img.here').wait_for()
    shot(page, "phone-looks")
    page.locator('.tile:has(input[value="layer/mixed0"])').tap()
    page.locator("#tab-where").tap()
    page.locator("#paint").tap()
    box = page.locator("#brush").bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    painted = page.evaluate(
        "(() => { const c = document.getElementById('brush');"
        " return c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[3]; })()"
    )
    assert painted == 255
    shot(page, "phone-mask")
    page.locator("#mask-done").tap()
    page.locator("#generate").tap()
    flow.finished(page)
    shot(page, "phone-result")
    wide = "document.documentElement.scrollWidth <= innerWidth && document.body.scrollWidth <= innerWidth"
    assert page.evaluate(wide)
    page.locator("#tab-details").tap()
    assert page.evaluate(wide)
    shot(page, "phone-details")


def test_mask_is_where_it_was_painted(page: Any) -> None:
    """What is outside the mask keeps every bit; the dream is inside."""
    flow.open_small(page)
    flow.pick(page, "layer/mixed1")
    page.locator("#tab-where").click()
    page.locator("#paint").click()
    flow.paint(page, 0.75, 0.9)
    page.locator("#mask-done").click()
    flow.generate(page)
    flow.finished(page)
    content = page.request.get(page.locator("#download").evaluate("x => x.href")).body()
    dreamed = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    original = np.asarray(Image.open(io.BytesIO(flow.small()["buffer"])).convert("RGB")).astype(int)
    changed = np.abs(dreamed - original).max(axis=2) > 2
    half = changed.shape[1] // 2
    assert not changed[:, :half].any()
    assert changed[:, half:].any()


def test_a_guide_and_a_queue(page: Any) -> None:
    page.locator("#file").set_input_files([flow.small() | {"name": name} for name in ("one.png", "two.png")])
    page.get_by_role("button", name="Generate all 2").wait_for()
    page.locator("#tab-where").click()
    page.locator("#guide-file").set_input_files(flow.EXAMPLES / "dogs.jpg")
    page.locator("#forget-guide").wait_for()
    page.locator("#tab-look").click()
    flow.pick(page, "layer/mixed1")
    page.get_by_role("button", name="Generate all 2").click()
    titles = "[...document.querySelectorAll('#dreams button')].map(x => x.title).sort().join()"
    flow.until(page, f"{titles} === 'one.png,two.png'")  # nothing is said of those that are finished
