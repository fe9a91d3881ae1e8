"""Many pictures in one order: `deepdream dream FOLDER`.

`finding` looks for the pictures, `naming` names their results, and `planning` decides which file goes where;
`again` knows the results that are there already.  `jobs` performs one job, whose `events` tell what happens;
`crew` shares the processors among several pictures at once; `tally` counts what becomes of them, and `growth`
keeps the steps of their dreams, as pictures or as a film.

What does not live here: how one picture is dreamed (`engine.library`), and what is printed (`engine.cli`).
"""
