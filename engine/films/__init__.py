"""Films, made from one picture or from another film.

`api` makes a film in one call: `engine.zoom` and `engine.video`.  `zoom` flies into a picture's dream, and
`video` dreams on a film.  Both describe the film as a `project`, which makes it.  Below them, `store` keeps
frames until a film is complete, `encode` and `decode` write and read film files of the formats in
`containers`, `tracks` copies sound and chapters, `view` and `hdr` show frames as players do, and `tally`
counts what cannot be read.  `motion` and `flow` move pictures, and `balance` keeps them from drifting.  PyAV
reads and writes films, and OpenCV finds movement: both come with the extra `[video]`, and only `extra` loads
them.
"""
