"""The GIMP plug-in, Filters > Deep Dream…, and its installer.

`gimp3/` and `gimp2/` each hold a thin host: for GIMP 3 (Python 3, GObject introspection) and for GIMP 2.10
(Python 2.7, gimpfu).  `deepdream_common/` is installed with both and runs in both versions of Python.
"""
