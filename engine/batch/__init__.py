"""Many pictures in one order: `deepdream dream FOLDER`.

`jobs` decides which file goes where and performs one job; `crew` shares the processors among several pictures
at once; `growth` keeps the steps of their dreams, as pictures or as a film.

What does not live here: how one picture is dreamed (`engine.library`), and what is printed (`engine.cli`).
"""
