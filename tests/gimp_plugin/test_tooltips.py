"""What the tooltips say: the effect on the picture, not the algorithm."""

from __future__ import annotations

import pytest

from gimp_plugin.deepdream_common import parameters

SEEN = ("picture", "form", "dream", "colour", "layer", "calm", "look")
"""Words for what a painter sees; each tooltip has one of them."""

INSIDE = ("gradient", "ascent", "normalis", "activation", "objective", "pooling", "tensor", "parameter")
"""Words for what only the engine's authors see."""


@pytest.mark.parametrize("parameter", parameters.PARAMETERS, ids=lambda x: x.name)
def test_tooltip_says_what_is_seen(parameter):
    text = parameter.blurb.lower()
    assert any(word in text for word in SEEN), parameter.blurb
    assert not any(word in text for word in INSIDE), parameter.blurb
    assert parameter.blurb[0].isupper()
    assert not parameter.blurb.endswith(".")
    assert len(parameter.blurb) <= 240, "it should be read at a glance"


def test_no_two_tooltips_are_the_same():
    assert len({x.blurb for x in parameters.PARAMETERS}) == len(parameters.PARAMETERS)
