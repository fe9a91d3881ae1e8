# -*- coding: utf-8 -*-
"""What is known about one thing that a user can set."""

from __future__ import unicode_literals

from collections import namedtuple

Parameter = namedtuple(
    "Parameter", "name kind default low high step digits slider label blurb choices option least"
)
"""One thing to set.

name: of the argument for scripts; kind: `int`, `float`, `bool`, `choice` or `text`; default, low, high:
numbers, a truth, a text, or the nick of a choice; step, digits: of the control; slider: its two ends and its
gamma; label: in the dialog, the mnemonic behind `_`; blurb: the tooltip; choices: pairs of nick and label;
option: of the engine's command line, None for what is none by itself; least: for a setting that can be none,
which 0 stands for, the smallest number that the engine takes, else None.
"""
