"""The GIMP plug-in, Filters > Deep Dream…, and what installs it.

`gimp3/` and `gimp2/` hold one thin host each, for GIMP 3 (Python 3, GObject introspection) and GIMP 2.10
(Python 2.7, gimpfu).  `deepdream_common/` is copied beside either and runs in both Pythons.
"""
