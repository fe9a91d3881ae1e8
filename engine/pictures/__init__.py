"""A picture in memory: pure functions on arrays, no files.

`picture` is colours, alpha and what the file said besides; `pixels` turns values of any depth into the
model's range and back; `colour` is profiles; `rows` are pictures that come band by band, so that no second
one has to fit into memory.
"""
