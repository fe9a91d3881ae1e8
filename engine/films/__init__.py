"""Films: made of one picture, of another film, or of the steps of a dream.

`api` makes films in one call: `engine.zoom` and `engine.video`.  `zoom` flies into a picture's dream, `video`
dreams on a film; `project` makes either one frame after the other.  Below them: `store` keeps frames until a
film is complete, `encode` and `decode` are the files, `motion` and `flow` move pictures, `balance` keeps them
from drifting.  Films are read and written with PyAV, movement is seen by OpenCV: both come with the extra
`[video]`, and only `extra` loads them.
"""
