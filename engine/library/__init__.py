"""One picture from its file to its result: what `import engine` gives to programs.

`dream` has the functions; `work` is the way that every picture takes, here, in a batch and in a gallery: read
once, settle once, ascend, finish, save; `change` puts what was dreamed into a picture of any depth and colour
space; `repeating` makes recipes of what was done, and finds a recipe's files again.

What does not live here: the algorithm (`engine.ascent`), file formats (`engine.files`), several pictures at
once (`engine.batch`).
"""
