# -*- coding: utf-8 -*-
"""Check the parameter values of a script or text field, if the host does not do so itself."""

from __future__ import unicode_literals

from .parameters import SettingError
from .texts import _


def check_all(parameters, given):
    """Return the values by argument name; given: one value for each of the parameters, in their order.

    Raises SettingError, naming the range, for an invalid value.
    """
    return dict((parameter.name, check(parameter, value)) for parameter, value in zip(parameters, given))


def check(parameter, value):
    """Return the value in the parameter's own type; None means the default, and so does "" unless for a text.

    An empty text takes away the channels of the default.  A choice may also be given by its number, from 0.
    Raises SettingError, naming the range or the choices.
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if value is None or (value == "" and parameter.kind != "text"):
        return parameter.default
    if parameter.kind == "text":
        return "%s" % value
    if parameter.kind == "choice":
        return _choice(parameter, value)
    return _truth(parameter, value) if parameter.kind == "bool" else _number(parameter, value)


def _choice(parameter, value):
    nicks = [nick for nick, _label in parameter.choices]
    if value in nicks:
        return value
    if value in range(len(nicks)):
        return nicks[int(value)]
    wrong = {"name": parameter.name, "value": value, "names": ", ".join(nicks)}
    raise SettingError(_("%(name)s can't be “%(value)s”. Choose one of: %(names)s.") % wrong)


def _truth(parameter, value):
    if value in (0, 1):
        return bool(value)
    wrong = {"name": parameter.name, "value": value}
    raise SettingError(_("%(name)s can't be %(value)s. It must be on (1) or off (0).") % wrong)


def _number(parameter, value):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    whole, least = parameter.kind == "int", parameter.least or 0
    fits = parameter.low <= number <= parameter.high and not 0 < number < least
    if fits and not (whole and number != int(number)):
        return int(number) if whole else number
    text = _("%(name)s can't be %(value)s. It must be a number from %(low)s to %(high)s.")
    if whole:
        text = _("%(name)s can't be %(value)s. It must be a whole number from %(low)s to %(high)s.")
    if least:
        text = _("%(name)s can't be %(value)s. It must be 0, or a whole number from %(low)s to %(high)s.")
    limits = {"low": plain(least or parameter.low), "high": plain(parameter.high)}
    raise SettingError(text % dict(limits, name=parameter.name, value=value))


def plain(number):
    """Return a number as people write it."""
    return ("%.5f" % number).rstrip("0").rstrip(".")
