"""The algorithm: gradient ascent over octaves, and all that wraps itself round a gradient.

`ascent` is DeepDream, readable from top to bottom; `step` is what it tells while it runs; `octaves` has the
sizes.  An ascent knows a model only as a `Gradient`, a function from an image to loss and gradient.  So
`controls`, `guide`, `masks` and `tiles` are functions from one Gradient to another, not flags in the loop.
`grid`, `windows` and `memory` serve the tiles; `on_device` keeps the picture on a GPU; `order` and `work` put
all of it together for one picture.

What does not live here: files, profiles, terminals.  A picture is an array in the model's range.
"""
