"""What a preview asks for: checked against the engine's own ladders."""

from __future__ import annotations

import pytest

from engine.ascent.octaves import bounded, ladder, reaching
from engine.settings.presets import PRESETS
from gimp_plugin.deepdream_common import parameters, region, sketch, words

LOOKS = sorted(PRESETS)
FULL = [(4000, 3000), (1000, 3000), (800, 500), (300, 200), (60, 90)]


def of(preset, **given):
    return {**parameters.DEFAULTS, **parameters.preset_values(preset), **given}


def rungs(values, size):
    """Return the shorter side of each octave that the engine climbs for a picture of that size."""
    found = words.settings(values)
    shape = bounded((size[1], size[0]), found["max_size"])
    octaves, scale = found["octaves"], found["octave_scale"]
    if found["min_size"] is not None:
        octaves, scale = reaching(shape, max(found["min_size"], region.SMALLEST), scale)
    return [min(x) for x in ladder(shape, octaves, scale, region.SMALLEST).shapes]


def shown(full, longest=640):
    by = min(longest / max(full), 1.0)
    return tuple(max(round(side * by), region.SMALLEST) for side in full)


@pytest.mark.parametrize("preset", LOOKS)
@pytest.mark.parametrize("full", FULL)
def test_the_plug_in_knows_the_engines_ladder(preset, full):
    values = of(preset)
    last = min(*full, values["max-size"] or max(full))
    assert [int(side + 1e-6) for side in sketch.ladder(values, last)] == pytest.approx(
        rungs(values, full), abs=1
    )


@pytest.mark.parametrize("preset", LOOKS)
@pytest.mark.parametrize("full", FULL)
def test_a_copy_of_the_whole_picture_takes_little_work_and_has_the_results_largest_forms(preset, full):
    values, size = of(preset), shown(full)
    small, larger = sketch.whole(values, size, full)
    assert sketch.work(small, size) <= 1.5 * sketch.WORK
    assert 1 <= small["step-size"] / values["step-size"] <= sketch.LARGEST_STEP + 1e-9
    if len(rungs(small, size)) == len(rungs(values, full)) and small["iterations"] == values["iterations"]:
        assert small["step-size"] == values["step-size"]
    first = rungs(values, full)[0]
    assert rungs(small, size)[0] * larger == pytest.approx(first, rel=0.2)
    assert words.engine_options(small)


@pytest.mark.parametrize("preset", [x for x in LOOKS if PRESETS[x].min_size])
def test_forms_of_a_photograph_are_as_large_in_the_copy_as_in_the_result(preset):
    assert sketch.whole(of(preset), (640, 480), (4000, 3000))[1] == pytest.approx(1)


def test_a_copy_of_few_pixels_has_larger_forms_and_says_so():
    _, larger = sketch.whole(of("dream"), (120, 90), (4000, 3000))
    assert larger == pytest.approx(160 / 90)
