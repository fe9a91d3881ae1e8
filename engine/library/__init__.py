"""One picture from its file to its result: what `import engine` gives to programs.

`dream` has the functions; `sources` turns whatever a caller has into pictures, masks and guides, with
`arrays` and `streams` (open files) beside it; `dreaming` is the path from what was read to what is written,
which a batch and a gallery take too; `change` puts what was dreamed into a picture of any depth and colour
space; `repeating` makes recipes of what was done, and finds a recipe's files again.

What does not live here: the algorithm (`engine.ascent`), file formats (`engine.files`), several pictures at
once (`engine.batch`).
"""
