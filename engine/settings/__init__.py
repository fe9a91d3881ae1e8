"""What a user can choose, as frozen values that are checked when they are made.

`config` is the settings of a look, each described by a `setting`; `presets` are looks with a name,
`selectors` the way layers and channels are written; `tiling` is how large pictures are cut, `output` how
results are written; `given` looks at what a caller gave as arguments; `untrusted` reads text that comes from
anybody; `recipe` is all of it, as it is kept in a picture's file, with the `origin` of each file that took
part.

What does not live here: what any of these do.  Nothing here opens a picture or a model.
"""
