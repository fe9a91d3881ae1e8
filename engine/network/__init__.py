"""A model file as a function: image and channel weights in, loss and gradient out.

`model` is that function; `contract` has the names of the file's inputs, outputs and metadata, which the
exporter writes; `session` opens a file on a device that works, `ort` is the only module that imports ONNX
Runtime.  `graph` takes a file apart; `split` runs it as stem and trunk, the fast way on a CPU, with `spans`
and `fragment` below it; `half`, `chains`, `transposed`, `blocked`, `maxima`, `planes` and `relus` rewrite a
file for what computes it.  A new execution provider belongs here.

What does not live here: octaves, steps, pictures' files.
"""
