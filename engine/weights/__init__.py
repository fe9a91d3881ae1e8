"""Weights files in, model files out: how a template becomes a model without any framework.

A template is a model file without its network's weights.  `templates` says which there are, `filling` puts
weights into one, by the instructions in it (`instructions`).  `protocol` is what a weights file looks like
from here, whatever its format.

What does not live here: using a model (`engine/network/`), and making a template (`export/`).
"""
